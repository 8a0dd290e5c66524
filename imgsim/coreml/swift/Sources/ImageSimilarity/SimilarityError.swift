import Foundation

/// Everything this package throws itself; the text says what to do.
public enum SimilarityError: LocalizedError, Equatable {
    case notAnImage
    case notAnExport(outputs: [String])
    case unsupportedFormat(Int)
    case unsupportedCrop(String)
    case missingOutput(String)
    case wrongCount(ids: Int, distances: Int)
    case wrongDimension(expected: Int, got: Int)
    case needsIndex
    case noFeatures(OutputKind)

    public var errorDescription: String? {
        switch self {
        case .notAnImage:
            "These bytes are not an image that ImageIO can decode."
        case .notAnExport(let outputs):
            "The model has the outputs \(outputs); this is no export of imgsim."
        case .unsupportedFormat(let format):
            "The references file has format \(format); this package reads format \(References.supportedFormat). Update it."
        case .unsupportedCrop(let crop):
            "The references were made with the crop mode '\(crop)'; this package knows '\(References.scaleFill)'. Export again."
        case .missingOutput(let name):
            "The model did not return its output '\(name)'."
        case .wrongCount(let ids, let distances):
            "\(ids) reference ids for \(distances) distances: the references file belongs to another model."
        case .wrongDimension(let expected, let got):
            "A row of \(got) numbers, expected \(expected): the rows come from another model."
        case .needsIndex:
            "A 'features' export holds no references: pass its features to a FeatureIndex."
        case .noFeatures(let kind):
            "A '\(kind.rawValue)' export returns no features: export with outputs=\"features\"."
        }
    }
}
