import Foundation

/// What imgsim knows about the reference images of an export: the side file `<name>.references.json`, or the model's metadata.
public struct References: Sendable, Equatable, Codable {
    static let supportedFormat = 1
    static let scaleFill = "scaleFill"

    /// A test image and what Python says are its nearest references.
    public struct Golden: Sendable, Equatable, Codable {
        /// A PNG of the model's input size; base64 in the file.
        public let png: Data
        public let nearest: [Neighbor]
        /// The embedding of the image, where the export returns `features`.
        public let features: [Float]?
    }

    /// Size in pixels and name of the image that the model takes.
    public struct Input: Sendable, Equatable, Codable {
        public let name: String
        public let width: Int
        public let height: Int
    }

    public let format: Int
    /// The id of every row, in the order of the distances; empty when exported with `include_ids=False`.
    public let ids: [String]
    public let labels: [String]?
    public let metric: String
    public let cropAndScale: String
    public let input: Input?
    public let outputs: OutputKind?
    public let golden: [Golden]
    /// The model's metadata less ids and labels: versions, network, MLflow run.
    public let about: [String: String]

    enum CodingKeys: String, CodingKey {
        case format, ids, labels, metric
        case cropAndScale = "crop_and_scale"
        case input, outputs, golden, about
    }

    /// Read a side file.
    public init(contentsOf url: URL) throws {
        self = try JSONDecoder().decode(References.self, from: Data(contentsOf: url))
        guard format == Self.supportedFormat else { throw SimilarityError.unsupportedFormat(format) }
        guard cropAndScale == Self.scaleFill else { throw SimilarityError.unsupportedCrop(cropAndScale) }
    }

    /// Read the user-defined metadata of a model: ids and labels, no golden vectors.
    init(metadata: [String: String]) throws {
        let decoder = JSONDecoder()
        format = Self.supportedFormat
        ids = try metadata[MetadataKey.referenceIds].map { try decoder.decode([String].self, from: Data($0.utf8)) } ?? []
        labels = try metadata[MetadataKey.labels].map { try decoder.decode([String].self, from: Data($0.utf8)) }
        metric = metadata[MetadataKey.metric] ?? "euclidean"
        cropAndScale = metadata[MetadataKey.cropAndScale] ?? Self.scaleFill
        input = nil
        outputs = metadata[MetadataKey.outputs].flatMap(OutputKind.init(rawValue:))
        golden = []
        about = metadata.filter { $0.key != MetadataKey.referenceIds && $0.key != MetadataKey.labels }
        guard cropAndScale == Self.scaleFill else { throw SimilarityError.unsupportedCrop(cropAndScale) }
    }

    /// The side file of a model: `Flowers.references.json` beside `Flowers.mlpackage`, `.mlmodel` or `.mlmodelc`.
    public static func sideFile(of model: URL) -> URL {
        model.deletingPathExtension().appendingPathExtension("references.json")
    }
}
