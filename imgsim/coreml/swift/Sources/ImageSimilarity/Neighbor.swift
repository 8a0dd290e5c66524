/// A reference image and its distance to the query.
public struct Neighbor: Sendable, Hashable, Codable {
    /// The id that imgsim gave the reference image, or its row number where the export carries no ids.
    public let id: String
    /// Euclidean distance, the same number as the column `distance` of `model.query` in Python.
    public let distance: Float

    public init(id: String, distance: Float) {
        self.id = id
        self.distance = distance
    }
}

/// Rows of the `k` smallest distances, nearest first; equal distances in row order, NaN never.
func nearestRows(_ distances: [Float], k: Int) -> [Int] {
    guard k > 0 else { return [] }
    var rows: [Int] = []
    rows.reserveCapacity(min(k, distances.count) + 1)
    for (row, distance) in distances.enumerated() where !distance.isNaN {
        if rows.count == k, distance >= distances[rows[k - 1]] { continue }
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if distances[rows[middle]] <= distance { low = middle + 1 } else { high = middle }
        }
        rows.insert(row, at: low)
        if rows.count > k { rows.removeLast() }
    }
    return rows
}
