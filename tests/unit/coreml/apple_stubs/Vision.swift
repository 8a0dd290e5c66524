// Declarations of Vision that the Swift package uses, from Apple's documentation; nothing here runs.
import CoreGraphics
import CoreML
import Foundation
import ImageIO

public enum VNImageCropAndScaleOption: UInt, Sendable {
    case centerCrop = 0, scaleFit = 1, scaleFill = 2
}

public class VNCoreMLModel {
    public convenience init(for model: MLModel) throws { fatalError() }
    init() {}
}

public typealias VNConfidence = Float

public class VNObservation {
    public var confidence: VNConfidence { fatalError() }
}

public class VNClassificationObservation: VNObservation {
    public var identifier: String { fatalError() }
}

public class VNCoreMLFeatureValueObservation: VNObservation {
    public var featureName: String { fatalError() }
    public var featureValue: MLFeatureValue { fatalError() }
}

public class VNRequest {
    public var results: [VNObservation]? { fatalError() }
}

public typealias VNRequestCompletionHandler = (VNRequest, (any Error)?) -> Void

public class VNCoreMLRequest: VNRequest {
    public init(model: VNCoreMLModel, completionHandler: VNRequestCompletionHandler? = nil) {}
    public var imageCropAndScaleOption: VNImageCropAndScaleOption = .centerCrop
}

public struct VNImageOption: Hashable, Sendable {}

public class VNImageRequestHandler {
    public init(cgImage image: CGImage, orientation: CGImagePropertyOrientation, options: [VNImageOption: Any] = [:]) {}
    public func perform(_ requests: [VNRequest]) throws {}
}

@available(iOS 18, macOS 15, *)
public protocol VisionObservation: Sendable {
    var confidence: Float { get }
}

@available(iOS 18, macOS 15, *)
public struct ClassificationObservation: VisionObservation {
    public let identifier: String
    public var confidence: Float { fatalError() }
}

@available(iOS 18, macOS 15, *)
public struct CoreMLFeatureValueObservation: VisionObservation {
    public let featureName: String
    public let featureValue: MLSendableFeatureValue
    public var confidence: Float { fatalError() }
}

@available(iOS 18, macOS 15, *)
public enum ImageCropAndScaleAction: Sendable { case centerCrop, scaleToFit, scaleToFill }

@available(iOS 18, macOS 15, *)
public struct CoreMLModelContainer: Sendable {
    public init(model: MLModel, featureProvider: (any MLFeatureProvider)? = nil) throws {}
}

@available(iOS 18, macOS 15, *)
public struct CoreMLRequest: Sendable {
    public enum Revision: Sendable { case revision1 }
    public init(model: CoreMLModelContainer, _ revision: CoreMLRequest.Revision? = nil) { fatalError() }
    public var cropAndScaleAction: ImageCropAndScaleAction
    public func perform(
        on image: CGImage, orientation: CGImagePropertyOrientation? = nil
    ) async throws -> [any VisionObservation] { fatalError() }
}
