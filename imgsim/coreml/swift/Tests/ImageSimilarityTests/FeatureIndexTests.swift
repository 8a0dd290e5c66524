import Foundation
import Testing

@testable import ImageSimilarity

@Suite struct FeatureIndexTests {
    @Test func addSearchRemove() throws {
        var index = FeatureIndex(dimension: 2)
        #expect(try index.nearest(to: [0, 0]).isEmpty)
        try index.add(id: "far", features: [3, 4])
        try index.add(id: "near", features: [0, 1])
        #expect(try index.nearest(to: [0, 0], k: 5) == [Neighbor(id: "near", distance: 1), Neighbor(id: "far", distance: 5)])
        index.remove(id: "near")
        #expect(try index.nearest(to: [3, 4]) == [Neighbor(id: "far", distance: 0)])
        #expect(index.rows == [3, 4])
    }

    @Test func rowsFromPython() throws {
        let data = Data([0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64])  // 1, 2, 3, 4 as little-endian float32
        let index = try FeatureIndex(ids: ["a", "b"], littleEndianRows: data, dimension: 2)
        #expect(index.rows == [1, 2, 3, 4])
        #expect(try index.nearest(to: [3, 4], k: 1) == [Neighbor(id: "b", distance: 0)])
        #expect(throws: SimilarityError.wrongCount(ids: 3, distances: 2)) {
            try FeatureIndex(ids: ["a", "b", "c"], littleEndianRows: data, dimension: 2)
        }
    }

    @Test func savedAndReadBack() throws {
        var index = FeatureIndex(dimension: 1)
        try index.add(id: "a", features: [7])
        #expect(try JSONDecoder().decode(FeatureIndex.self, from: JSONEncoder().encode(index)) == index)
    }

    @Test func otherDimensionsAreRefused() {
        var index = FeatureIndex(dimension: 2)
        #expect(throws: SimilarityError.wrongDimension(expected: 2, got: 1)) { try index.add(id: "a", features: [1]) }
        #expect(throws: SimilarityError.wrongDimension(expected: 2, got: 3)) { try index.nearest(to: [1, 2, 3]) }
    }
}
