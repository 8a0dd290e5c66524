/// How far a device's answers are from those of Python, over the golden images of an export.
public struct GoldenReport: Sendable, Equatable {
    /// Lists of neighbours and vectors compared.
    public private(set) var comparisons = 0
    /// Share of lists that begin with the expected reference or one at the same distance; 1 where there was no list.
    public var top1: Double { lists == 0 ? 1 : Double(sameFirst) / Double(lists) }
    /// Share of the expected neighbours that were found; 1 where none was expected.
    public var agreement: Double { expected == 0 ? 1 : Double(found) / Double(expected) }
    /// The largest error of a distance by the largest one expected for the image, or of a vector by its length.
    public private(set) var maxRelativeError = 0.0

    private var lists = 0
    private var sameFirst = 0
    private var expected = 0
    private var found = 0

    init() {}

    /// Whether the device agrees with Python; the defaults are those of `imgsim.coreml.verify` for a float16 network.
    public func passes(top1 first: Double = 0.85, agreement share: Double = 0.85, relativeError: Double = 0.1) -> Bool {
        comparisons > 0 && top1 >= first && agreement >= share && maxRelativeError <= relativeError
    }

    mutating func add(expected wanted: [Neighbor], got: [Neighbor]) {
        comparisons += 1
        lists += 1
        expected += wanted.count
        let scale = wanted.map(\.distance).max() ?? 0
        let tied = wanted.filter { $0.distance <= wanted[0].distance + 1e-6 * scale }.map(\.id)
        sameFirst += got.first.map { tied.contains($0.id) } ?? wanted.isEmpty ? 1 : 0
        let distances = Dictionary(got.map { ($0.id, $0.distance) }, uniquingKeysWith: min)
        for neighbor in wanted {
            guard let distance = distances[neighbor.id], distance.isFinite else { continue }
            found += 1
            note(error: abs(distance - neighbor.distance), scale: scale)
        }
    }

    mutating func add(expected wanted: [Float], got: [Float]) {
        comparisons += 1
        guard wanted.count == got.count, got.allSatisfy(\.isFinite) else {
            maxRelativeError = .infinity
            return
        }
        let error = zip(wanted, got).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
        note(error: error, scale: wanted.map { $0 * $0 }.reduce(0, +).squareRoot())
    }

    private mutating func note(error: Float, scale: Float) {
        if error > 0 { maxRelativeError = max(maxRelativeError, Double(error / scale)) }
    }
}
