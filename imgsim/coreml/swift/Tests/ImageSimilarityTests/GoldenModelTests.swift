#if canImport(CoreML) && canImport(Vision)
import Foundation
import Testing

@testable import ImageSimilarity

/// An exported model against its own golden vectors, on this machine's Core ML:
/// `IMGSIM_COREML_MODEL=/path/Flowers.mlpackage swift test`, with `Flowers.references.json` beside it.
@Suite(.enabled(if: environment("IMGSIM_COREML_MODEL") != nil), .serialized)
struct GoldenModelTests {
    private let model = URL(fileURLWithPath: environment("IMGSIM_COREML_MODEL") ?? "")

    @Test func plainCoreML() async throws {
        try await check(CoreMLSearch.load(contentsOf: model))
        try await check(CoreMLSearch.load(contentsOf: model, computeUnits: .cpuOnly))
    }

    @Test func vision() async throws {
        try await check(VisionSearch.load(contentsOf: model))
    }

    @available(iOS 18, macOS 15, *)
    @Test func visionRequest() async throws {
        try await check(VisionRequestSearch.load(contentsOf: model))
    }

    private func check(_ search: some ImageSearch) async throws {
        let report = try await search.checkGolden()
        #expect(report.passes(), "\(report)")
    }
}
#endif
