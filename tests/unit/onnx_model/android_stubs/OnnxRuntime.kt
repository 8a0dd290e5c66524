// The part of ONNX Runtime's Java API that the example uses, by its documentation: to compile, not to run.
package ai.onnxruntime

import java.nio.ByteBuffer
import java.util.Optional

enum class OnnxJavaType { UINT8 }

interface OnnxTensorLike : OnnxValue

interface OnnxValue : AutoCloseable {
    val value: Any
    override fun close()
}

class OnnxTensor : OnnxTensorLike {
    override val value: Any get() = TODO()
    override fun close() = TODO()

    companion object {
        @JvmStatic
        fun createTensor(env: OrtEnvironment, data: ByteBuffer, shape: LongArray, type: OnnxJavaType): OnnxTensor = TODO()
    }
}

class OrtEnvironment {
    fun createSession(modelArray: ByteArray): OrtSession = TODO()

    companion object {
        @JvmStatic
        fun getEnvironment(): OrtEnvironment = TODO()
    }
}

class OrtSession : AutoCloseable {
    fun run(inputs: Map<String, OnnxTensorLike>): Result = TODO()
    override fun close() = TODO()

    class Result : AutoCloseable {
        fun get(key: String): Optional<OnnxValue> = TODO()
        override fun close() = TODO()
    }
}
