// The part of android.graphics that the example uses, by its documentation: to compile, not to run.
package android.graphics

import java.nio.ByteBuffer

class Bitmap {
    val width: Int get() = TODO()
    val height: Int get() = TODO()
    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit = TODO()

    enum class Config { ARGB_8888 }

    companion object {
        @JvmStatic
        fun createBitmap(width: Int, height: Int, config: Config): Bitmap = TODO()
    }
}

class Paint

class Canvas(private val bitmap: Bitmap) {
    fun drawColor(color: Int): Unit = TODO("$bitmap")
    fun drawBitmap(bitmap: Bitmap, left: Float, top: Float, paint: Paint?): Unit = TODO()
}

object Color {
    const val WHITE = -1
}

class ColorSpace {
    enum class Named { SRGB }

    companion object {
        @JvmStatic
        fun get(name: Named): ColorSpace = TODO()
    }
}

class ImageDecoder {
    var allocator: Int = 0
    fun setTargetColorSpace(colorSpace: ColorSpace): Unit = TODO()

    class Source

    class ImageInfo

    companion object {
        const val ALLOCATOR_SOFTWARE = 1

        @JvmStatic
        fun createSource(buffer: ByteBuffer): Source = TODO()

        // in Java an interface with one method, OnHeaderDecodedListener
        @JvmStatic
        fun decodeBitmap(src: Source, listener: (ImageDecoder, ImageInfo, Source) -> Unit): Bitmap = TODO()
    }
}
