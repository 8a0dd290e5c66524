/// Names that imgsim writes into an exported model; `tests/unit/coreml/test_swift.py` compares them with the Python side.
enum MetadataKey {
    static let referenceIds = "imgsim.reference_ids"
    static let labels = "imgsim.labels"
    static let outputs = "imgsim.outputs"
    static let metric = "imgsim.metric"
    static let cropAndScale = "imgsim.crop_and_scale"
}

enum OutputName {
    static let distance = "distance"
    static let indices = "indices"
    static let distances = "distances"
    static let features = "features"
}

/// What an exported model answers with: the `outputs` argument of `export_coreml`.
public enum OutputKind: String, Codable, Sendable, CaseIterable {
    /// The distance to every reference image, float32 `[N]`.
    case distance
    /// Rows and distances of the k nearest, int32 `[k]` and float32 `[k]`.
    case topk
    /// One class per reference image; its probability is the score `1 / (1 + distance)`.
    case classifier
    /// The embedding of the image, float32 `[D]`; the app keeps its own rows in a ``FeatureIndex``.
    case features

    /// The kind of a model with these outputs, or `nil` when imgsim did not export it.
    init?(outputNames: Set<String>, isClassifier: Bool) {
        if isClassifier {
            self = .classifier
        } else if outputNames.contains(OutputName.indices), outputNames.contains(OutputName.distances) {
            self = .topk
        } else if outputNames.contains(OutputName.distance) {
            self = .distance
        } else if outputNames.contains(OutputName.features) {
            self = .features
        } else {
            return nil
        }
    }
}
