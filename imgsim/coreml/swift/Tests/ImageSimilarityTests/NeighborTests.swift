import Testing

@testable import ImageSimilarity

@Suite struct NeighborTests {
    @Test func nearestFirstAndTiesInRowOrder() {
        #expect(nearestRows([3, 1, 2, 1, 0.5], k: 3) == [4, 1, 3])
        #expect(nearestRows([3, 1], k: 5) == [1, 0])
    }

    @Test func nanAndZeroK() {
        #expect(nearestRows([.nan, 2, .nan, 1], k: 3) == [3, 1])
        #expect(nearestRows([1, 2], k: 0).isEmpty)
        #expect(nearestRows([], k: 3).isEmpty)
    }

    @Test func agreesWithAFullSort() {
        var state: UInt64 = 1
        let distances = (0 ..< 2_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 52)  // 12 bits: many ties
        }
        let sorted = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        #expect(nearestRows(distances, k: 50) == Array(sorted.prefix(50)))
    }
}
