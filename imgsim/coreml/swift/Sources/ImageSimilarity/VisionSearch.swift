#if canImport(CoreML) && canImport(Vision)
import CoreGraphics
import CoreML
import Foundation
import Vision

/// Similar images through Vision's `VNCoreMLRequest`, iOS 16 and macOS 13 on.
public actor VisionSearch: ImageSearch {
    public nonisolated let kind: OutputKind
    public nonisolated let references: References
    private let model: VNCoreMLModel

    /// Wrap a model that is already loaded.
    ///
    /// - Parameter references: the side file; `nil` reads ids from the model's metadata.
    public init(model: sending MLModel, references: References? = nil) throws {
        try self.init(LoadedModel(model, references: references))
    }

    init(_ loaded: sending LoadedModel) throws {
        kind = loaded.kind
        references = loaded.references
        model = try VNCoreMLModel(for: loaded.model)
    }

    /// Load `Flowers.mlmodelc`, or compile `Flowers.mlpackage` on the device (keep the result: it takes seconds).
    public static func load(contentsOf url: URL, computeUnits: MLComputeUnits = .all) async throws -> VisionSearch {
        try VisionSearch(try await LoadedModel.load(contentsOf: url, computeUnits: computeUnits))
    }

    public func output(of image: CGImage) throws -> ModelOutput {
        let request = VNCoreMLRequest(model: model)
        request.imageCropAndScaleOption = .scaleFill  // the default is a centre crop
        try VNImageRequestHandler(cgImage: image, orientation: .up).perform([request])
        let observations = request.results ?? []
        if kind == .classifier {
            let classes = observations.compactMap { $0 as? VNClassificationObservation }
            return .classifier(scores: Dictionary(
                classes.map { ($0.identifier, Double($0.confidence)) }, uniquingKeysWith: max))
        }
        let values = observations.compactMap { $0 as? VNCoreMLFeatureValueObservation }
        return try ModelOutput(kind: kind) { name in  // the order of results is not defined
            values.first { $0.featureName == name }?.featureValue
        }
    }
}
#endif
