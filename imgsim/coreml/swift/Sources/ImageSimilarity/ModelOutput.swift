/// What a model returned for one image, as plain numbers.
public enum ModelOutput: Sendable, Equatable {
    case distance([Float])
    case topk(rows: [Int32], distances: [Float])
    case classifier(scores: [String: Double])
    case features([Float])

    /// The `k` nearest references, nearest first.
    ///
    /// - Parameter ids: the id of every row; empty means that row numbers serve as ids.
    func neighbors(ids: [String], k: Int) throws -> [Neighbor] {
        switch self {
        case .distance(let distances):
            guard ids.isEmpty || ids.count == distances.count else {
                throw SimilarityError.wrongCount(ids: ids.count, distances: distances.count)
            }
            return nearestRows(distances, k: k).map { Neighbor(id: Self.id(of: $0, in: ids), distance: distances[$0]) }
        case .topk(let rows, let distances):
            guard ids.isEmpty || rows.allSatisfy({ ids.indices.contains(Int($0)) }) else {
                throw SimilarityError.wrongCount(ids: ids.count, distances: Int(rows.max() ?? 0) + 1)
            }
            return zip(rows, distances).prefix(max(k, 0)).map { Neighbor(id: Self.id(of: Int($0), in: ids), distance: $1) }
        case .classifier(let scores):
            return scores
                .filter { $0.value > 0 }
                .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .prefix(max(k, 0))
                .map { Neighbor(id: $0.key, distance: Float(max(1 / $0.value - 1, 0))) }
        case .features:
            throw SimilarityError.needsIndex
        }
    }

    private static func id(of row: Int, in ids: [String]) -> String {
        ids.isEmpty ? String(row) : ids[row]
    }
}
