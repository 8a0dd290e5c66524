import Testing

@testable import ImageSimilarity

@Suite struct ModelOutputTests {
    @Test func kindFollowsTheOutputs() {
        #expect(OutputKind(outputNames: ["distance"], isClassifier: false) == .distance)
        #expect(OutputKind(outputNames: ["indices", "distances"], isClassifier: false) == .topk)
        #expect(OutputKind(outputNames: ["features"], isClassifier: false) == .features)
        #expect(OutputKind(outputNames: ["nearest", "probabilities"], isClassifier: true) == .classifier)
        #expect(OutputKind(outputNames: ["logits"], isClassifier: false) == nil)
    }

    @Test func distance() throws {
        let output = ModelOutput.distance([2, 0, 1])
        #expect(try output.neighbors(ids: ["a", "b", "c"], k: 2) == [Neighbor(id: "b", distance: 0), Neighbor(id: "c", distance: 1)])
        #expect(try output.neighbors(ids: [], k: 1) == [Neighbor(id: "1", distance: 0)])
        #expect(throws: SimilarityError.wrongCount(ids: 2, distances: 3)) { try output.neighbors(ids: ["a", "b"], k: 1) }
    }

    @Test func topk() throws {
        let output = ModelOutput.topk(rows: [2, 0], distances: [0.5, 0.75])
        #expect(try output.neighbors(ids: ["a", "b", "c"], k: 9).map(\.id) == ["c", "a"])
        #expect(try output.neighbors(ids: [], k: 1) == [Neighbor(id: "2", distance: 0.5)])
        #expect(throws: SimilarityError.wrongCount(ids: 1, distances: 3)) { try output.neighbors(ids: ["a"], k: 2) }
    }

    @Test func classifier() throws {
        let output = ModelOutput.classifier(scores: ["far": 0.25, "same": 1, "b": 0.5, "a": 0.5, "never": 0])
        let wanted = [Neighbor(id: "same", distance: 0), Neighbor(id: "a", distance: 1), Neighbor(id: "b", distance: 1)]
        #expect(try output.neighbors(ids: [], k: 3) == wanted)
        #expect(try output.neighbors(ids: [], k: 9).map(\.id) == ["same", "a", "b", "far"])
    }

    @Test func featuresNeedAnIndex() {
        #expect(throws: SimilarityError.needsIndex) { try ModelOutput.features([1, 2]).neighbors(ids: [], k: 1) }
    }
}
