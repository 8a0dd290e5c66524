// Declarations of Core ML that the Swift package uses, from Apple's documentation; nothing here runs.
// MLModel and its relatives are documented without Sendable, so they are without it here too.
import CoreGraphics
import Foundation
import ImageIO

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }

public class MLModelConfiguration {
    public init() {}
    public var computeUnits: MLComputeUnits = .all
}

public struct MLModelMetadataKey: Hashable, Sendable {
    public static let creatorDefinedKey = MLModelMetadataKey()
}

public class MLImageConstraint {}

public class MLFeatureDescription {
    public var imageConstraint: MLImageConstraint? { fatalError() }
}

public class MLModelDescription {
    public var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
    public var outputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
    public var predictedFeatureName: String? { fatalError() }
    public var predictedProbabilitiesName: String? { fatalError() }
    public var metadata: [MLModelMetadataKey: Any] { fatalError() }
}

public class MLMultiArray {}

public protocol MLShapedArrayScalar {}
extension Float: MLShapedArrayScalar {}
extension Double: MLShapedArrayScalar {}
extension Int32: MLShapedArrayScalar {}

public protocol MLShapedArrayProtocol {
    associatedtype Scalar: MLShapedArrayScalar
    init(converting multiArray: MLMultiArray)
    var scalars: [Scalar] { get set }
}

public struct MLShapedArray<Scalar: MLShapedArrayScalar>: MLShapedArrayProtocol {
    public init(converting multiArray: MLMultiArray) { fatalError() }
    public var scalars: [Scalar]
}

public struct MLSendableFeatureValue: Sendable {}

public class MLFeatureValue {
    public struct ImageOption: Hashable, Sendable {
        public static let cropAndScale = ImageOption()
    }
    public convenience init(
        cgImage: CGImage, constraint: MLImageConstraint, options: [MLFeatureValue.ImageOption: Any]? = nil
    ) throws { fatalError() }
    public convenience init(_ value: MLSendableFeatureValue) { fatalError() }
    init() {}
    public var multiArrayValue: MLMultiArray? { fatalError() }
    public var dictionaryValue: [AnyHashable: NSNumber] { fatalError() }
}

public protocol MLFeatureProvider {
    var featureNames: Set<String> { get }
    func featureValue(for featureName: String) -> MLFeatureValue?
}

public class MLDictionaryFeatureProvider: MLFeatureProvider {
    public init(dictionary: [String: Any]) throws {}
    public var featureNames: Set<String> { fatalError() }
    public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}

public class MLPredictionOptions {
    public init() {}
}

public class MLModel {
    init() {}
    public class func load(
        contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration()
    ) async throws -> MLModel { fatalError() }
    public class func compileModel(at url: URL) async throws -> URL { fatalError() }
    public var modelDescription: MLModelDescription { fatalError() }
    public func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider { fatalError() }
    public func prediction(
        from input: any MLFeatureProvider, options: MLPredictionOptions = MLPredictionOptions()
    ) async throws -> any MLFeatureProvider { fatalError() }
}
