#if canImport(CoreML)
import CoreGraphics
import Foundation
import ImageIO

/// One exported model, ready to answer: ``CoreMLSearch``, ``VisionSearch`` or ``VisionRequestSearch``.
public protocol ImageSearch: Sendable {
    /// What the model returns.
    var kind: OutputKind { get }
    /// Ids, labels and golden vectors of the references.
    var references: References { get }
    /// Run the model on an upright sRGB image.
    func output(of image: CGImage) async throws -> ModelOutput
}

extension ImageSearch {
    /// The `k` nearest references of an image file (JPEG, PNG, HEIC, ...), nearest first.
    public func nearest(to file: Data, k: Int = 10) async throws -> [Neighbor] {
        try await output(of: uprightImage(file)).neighbors(ids: references.ids, k: k)
    }

    /// The `k` nearest references, nearest first. A `topk` export returns at most the k it was exported with.
    public func nearest(
        to image: CGImage, orientation: CGImagePropertyOrientation = .up, k: Int = 10
    ) async throws -> [Neighbor] {
        try await output(of: uprightImage(image, orientation: orientation)).neighbors(ids: references.ids, k: k)
    }

    /// The embedding of an image file: for a `features` export.
    public func features(of file: Data) async throws -> [Float] {
        try await featureRow(of: uprightImage(file))
    }

    /// The embedding of an image: for a `features` export.
    public func features(of image: CGImage, orientation: CGImagePropertyOrientation = .up) async throws -> [Float] {
        try await featureRow(of: uprightImage(image, orientation: orientation))
    }

    /// Run the golden images of the side file and compare with what Python found.
    ///
    /// - Parameter index: for a `features` export, whose vectors are compared, also search these rows of the references.
    public func checkGolden(index: FeatureIndex? = nil) async throws -> GoldenReport {
        var report = GoldenReport()
        for golden in references.golden {
            let k = golden.nearest.count
            let output = try await output(of: uprightImage(golden.png))
            guard case .features(let row) = output else {
                report.add(expected: golden.nearest, got: try output.neighbors(ids: references.ids, k: k))
                continue
            }
            report.add(expected: golden.features ?? [], got: row)
            if let index { report.add(expected: golden.nearest, got: try index.nearest(to: row, k: k)) }
        }
        return report
    }

    private func featureRow(of image: CGImage) async throws -> [Float] {
        guard case .features(let row) = try await output(of: image) else { throw SimilarityError.noFeatures(kind) }
        return row
    }
}
#endif
