// Declarations of Accelerate that the Swift package uses, from Apple's documentation; nothing here runs.
public typealias vDSP_Length = UInt
public typealias vDSP_Stride = Int

public func vDSP_distancesq(
    _ a: UnsafePointer<Float>, _ strideA: vDSP_Stride, _ b: UnsafePointer<Float>, _ strideB: vDSP_Stride,
    _ c: UnsafeMutablePointer<Float>, _ n: vDSP_Length
) { fatalError() }
