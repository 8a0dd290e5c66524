// Pixels of picture files, decoded as imgsim does: upright, sRGB, transparency laid over white. Android 9 (API 28) or later.
package imgsim

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import java.nio.ByteBuffer

/** Decode a picture: `decode(ImageDecoder.createSource(contentResolver, uri))`. */
fun decode(source: ImageDecoder.Source): Picture {
    val bitmap = ImageDecoder.decodeBitmap(source) { decoder, _, _ -> // it applies the EXIF orientation
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE // pixels can be read
        decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
    }
    val width = bitmap.width
    val height = bitmap.height
    val flat = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    val canvas = Canvas(flat)
    canvas.drawColor(Color.WHITE)
    canvas.drawBitmap(bitmap, 0f, 0f, null)
    val pixels = IntArray(width * height)
    flat.getPixels(pixels, 0, width, 0, 0, width, height)
    val rgb = ByteBuffer.allocateDirect(3 * pixels.size)
    for (pixel in pixels) {
        rgb.put((pixel shr 16).toByte()).put((pixel shr 8).toByte()).put(pixel.toByte())
    }
    rgb.rewind()
    return Picture(rgb, width, height)
}

/** Decode the bytes of a file, such as a test image: `search.checkGolden(::decode)`. */
fun decode(file: ByteArray): Picture = decode(ImageDecoder.createSource(ByteBuffer.wrap(file)))
