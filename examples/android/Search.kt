// The nearest reference images of a picture, by a model that `imgsim export MODEL NAME.onnx` wrote.
package imgsim

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.nio.ByteBuffer
import java.util.Base64
import kotlin.math.abs
import org.json.JSONArray
import org.json.JSONObject

/** Pixels of a picture of any size: RGB, row by row, in a direct buffer at position 0. */
class Picture(val rgb: ByteBuffer, val width: Int, val height: Int)

/** A reference image, and its distance from the picture. */
data class Neighbor(val id: String, val distance: Float, val label: String?)

/** Comparison with Python: the share of equal ids, and the largest difference of a distance. */
data class GoldenReport(val images: Int, val agreement: Double, val error: Float)

/**
 * A loaded model. It answers on the calling thread, so call it from a worker thread.
 *
 * @param model the bytes of `NAME.onnx`, exported with outputs "distance" or "topk"
 * @param sideFile the text of `NAME.onnx.references.json`
 */
class Search(model: ByteArray, sideFile: String) : AutoCloseable {
    private val references = JSONObject(sideFile)
    private val ids: JSONArray
    private val labels: JSONArray?
    private val environment = OrtEnvironment.getEnvironment()
    private val session: OrtSession

    init {
        val format = references.getInt("format")
        require(format == 1) { "the side file has format $format, not 1" }
        val outputs = references.getString("outputs")
        require(outputs != "features") { "a model with outputs=\"features\" names no neighbors" }
        require(references.getJSONObject("input").optBoolean("any_size")) { "export the model without --fixed-size" }
        ids = references.getJSONArray("ids")
        labels = references.optJSONArray("labels")
        session = environment.createSession(model)
    }

    /** The nearest references, nearest first. */
    fun nearest(picture: Picture, k: Int = 5): List<Neighbor> {
        val shape = longArrayOf(picture.height.toLong(), picture.width.toLong(), 3)
        return OnnxTensor.createTensor(environment, picture.rgb, shape, OnnxJavaType.UINT8).use { image ->
            session.run(mapOf("image" to image)).use { found -> neighbors(found, k) }
        }
    }

    /**
     * Compare the answers to the test images with Python's: do this once on each new device.
     *
     * @param decode makes pixels of the bytes of a PNG, as the app does with its pictures
     */
    fun checkGolden(decode: (ByteArray) -> Picture): GoldenReport {
        val golden = references.getJSONArray("golden")
        var asked = 0
        var equal = 0
        var error = 0f
        for (image in 0 until golden.length()) {
            val png = Base64.getDecoder().decode(golden.getJSONObject(image).getString("png"))
            val expected = golden.getJSONObject(image).getJSONArray("nearest")
            for ((i, neighbor) in nearest(decode(png), expected.length()).withIndex()) {
                val other = expected.getJSONObject(i)
                asked += 1
                if (neighbor.id == other.getString("id")) equal += 1
                error = maxOf(error, abs(neighbor.distance - other.getDouble("distance").toFloat()))
            }
        }
        return GoldenReport(golden.length(), if (asked == 0) 0.0 else equal.toDouble() / asked, error)
    }

    override fun close() = session.close()

    private fun neighbors(found: OrtSession.Result, k: Int): List<Neighbor> {
        val indices = found.get("indices")
        if (indices.isPresent) {
            val rows = indices.get().value as IntArray
            val distances = found.get("distances").get().value as FloatArray
            return rows.take(k).mapIndexed { i, row -> neighbor(row, distances[i]) }
        }
        val distances = found.get("distance").get().value as FloatArray
        return distances.indices.sortedBy { distances[it] }.take(k).map { row -> neighbor(row, distances[row]) }
    }

    private fun neighbor(row: Int, distance: Float): Neighbor {
        val id = if (row < ids.length()) ids.getString(row) else row.toString()
        return Neighbor(id, distance, labels?.getString(row))
    }
}
