// Declarations of Core Graphics that the Swift package uses, from Apple's documentation. They let swiftc on Linux
// type-check the Apple-only sources; nothing here runs. Foundation on Linux brings CGFloat, CGPoint, CGSize and CGRect.
import Foundation

public typealias CFString = String
public typealias CFData = Data
public typealias CFDictionary = AnyObject

// Apple's SDK: class CGImage, Sendable (unchecked)
public final class CGImage: @unchecked Sendable {
    public var width: Int { fatalError() }
    public var height: Int { fatalError() }
}

public final class CGColorSpace: @unchecked Sendable {
    public init?(name: CFString) { fatalError() }
    public class var sRGB: CFString { fatalError() }
}

public enum CGImageAlphaInfo: UInt32 {
    case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast, noneSkipFirst, alphaOnly
}

public struct CGAffineTransform {
    public init(a: CGFloat, b: CGFloat, c: CGFloat, d: CGFloat, tx: CGFloat, ty: CGFloat) {}
}

public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32) {}
    public func setFillColor(gray: CGFloat, alpha: CGFloat) {}
    public func fill(_ rect: CGRect) {}
    public func concatenate(_ transform: CGAffineTransform) {}
    public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) {}
    public func makeImage() -> CGImage? { fatalError() }
}
