#if canImport(ImageIO)
import CoreGraphics
import Foundation
import ImageIO

/// Decode an image file as imgsim does: EXIF orientation applied, colours in sRGB, transparency over white.
func uprightImage(_ file: Data) throws -> CGImage {
    guard let source = CGImageSourceCreateWithData(file as CFData, nil),
          let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
    else { throw SimilarityError.notAnImage }
    let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
    let stored = properties?[kCGImagePropertyOrientation] as? UInt32
    return try uprightImage(image, orientation: stored.flatMap(CGImagePropertyOrientation.init(rawValue:)) ?? .up)
}

/// The same picture with its top up, in 8-bit sRGB without alpha.
func uprightImage(_ image: CGImage, orientation: CGImagePropertyOrientation) throws -> CGImage {
    let stored = CGSize(width: image.width, height: image.height)
    let turned = orientation.swapsSides ? CGSize(width: stored.height, height: stored.width) : stored
    guard let space = CGColorSpace(name: CGColorSpace.sRGB),
          let context = CGContext(
              data: nil, width: Int(turned.width), height: Int(turned.height), bitsPerComponent: 8, bytesPerRow: 0,
              space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
    else { throw SimilarityError.notAnImage }
    context.setFillColor(gray: 1, alpha: 1)
    context.fill(CGRect(origin: .zero, size: turned))
    context.concatenate(orientation.transform(turned))
    context.draw(image, in: CGRect(origin: .zero, size: stored))
    guard let upright = context.makeImage() else { throw SimilarityError.notAnImage }
    return upright
}

extension CGImagePropertyOrientation {
    /// Whether the upright picture is as wide as the stored one is high.
    var swapsSides: Bool { rawValue >= CGImagePropertyOrientation.leftMirrored.rawValue }

    /// From the stored picture's coordinates (origin at the bottom left) to those of the upright picture of size `size`.
    func transform(_ size: CGSize) -> CGAffineTransform {
        let (w, h) = (size.width, size.height)
        return switch self {
        case .up: CGAffineTransform(a: 1, b: 0, c: 0, d: 1, tx: 0, ty: 0)
        case .upMirrored: CGAffineTransform(a: -1, b: 0, c: 0, d: 1, tx: w, ty: 0)
        case .down: CGAffineTransform(a: -1, b: 0, c: 0, d: -1, tx: w, ty: h)
        case .downMirrored: CGAffineTransform(a: 1, b: 0, c: 0, d: -1, tx: 0, ty: h)
        case .leftMirrored: CGAffineTransform(a: 0, b: -1, c: -1, d: 0, tx: w, ty: h)
        case .right: CGAffineTransform(a: 0, b: -1, c: 1, d: 0, tx: 0, ty: h)
        case .rightMirrored: CGAffineTransform(a: 0, b: 1, c: 1, d: 0, tx: 0, ty: 0)
        case .left: CGAffineTransform(a: 0, b: 1, c: -1, d: 0, tx: w, ty: 0)
        }
    }
}
#endif
