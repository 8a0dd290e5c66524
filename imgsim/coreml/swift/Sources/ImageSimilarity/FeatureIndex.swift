import Foundation

#if canImport(Accelerate)
import Accelerate
#endif

/// Feature rows that the app keeps itself, searched row by row: for a `features` export.
///
/// Exact, and fast enough for some 10,000 rows; add and remove as you like. Save `ids` and `rows` where your app keeps its data.
public struct FeatureIndex: Sendable, Equatable, Codable {
    /// Numbers per row.
    public let dimension: Int
    public private(set) var ids: [String]
    /// All rows, one after another.
    public private(set) var rows: [Float]

    public init(dimension: Int) {
        self.dimension = dimension
        ids = []
        rows = []
    }

    /// Rows written by Python: `model.embeddings.astype("<f4").tofile("rows.f32")`.
    public init(ids: [String], littleEndianRows data: Data, dimension: Int) throws {
        let stride = MemoryLayout<Float>.stride
        guard data.count == ids.count * dimension * stride else {
            throw SimilarityError.wrongCount(ids: ids.count, distances: data.count / max(dimension * stride, 1))
        }
        self.dimension = dimension
        self.ids = ids
        rows = [Float](unsafeUninitializedCapacity: ids.count * dimension) { buffer, count in
            count = data.copyBytes(to: buffer) / stride
        }
    }

    public mutating func add(id: String, features: [Float]) throws {
        try check(features)
        ids.append(id)
        rows.append(contentsOf: features)
    }

    /// Remove every row with this id.
    public mutating func remove(id: String) {
        for row in ids.indices.reversed() where ids[row] == id {
            ids.remove(at: row)
            rows.removeSubrange(row * dimension ..< (row + 1) * dimension)
        }
    }

    /// The `k` rows at the smallest euclidean distance, nearest first.
    public func nearest(to features: [Float], k: Int = 10) throws -> [Neighbor] {
        try check(features)
        let distances = rows.withUnsafeBufferPointer { all in
            features.withUnsafeBufferPointer { query in
                ids.indices.map { row in
                    squaredDistance(UnsafeBufferPointer(rebasing: all[row * dimension ..< (row + 1) * dimension]), query).squareRoot()
                }
            }
        }
        return nearestRows(distances, k: k).map { Neighbor(id: ids[$0], distance: distances[$0]) }
    }

    private func check(_ features: [Float]) throws {
        guard features.count == dimension else {
            throw SimilarityError.wrongDimension(expected: dimension, got: features.count)
        }
    }
}

/// The sum of squared differences of two vectors of equal length; vDSP where there is Accelerate.
private func squaredDistance(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Float {
    guard let first = a.baseAddress, let second = b.baseAddress else { return 0 }
    var sum: Float = 0
    #if canImport(Accelerate)
    vDSP_distancesq(first, 1, second, 1, &sum, vDSP_Length(a.count))
    #else
    for i in 0 ..< a.count {
        let difference = first[i] - second[i]
        sum += difference * difference
    }
    #endif
    return sum
}
