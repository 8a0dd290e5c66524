import Testing

@testable import ImageSimilarity

@Suite struct GoldenReportTests {
    private let wanted = [Neighbor(id: "a", distance: 0), Neighbor(id: "b", distance: 2)]

    @Test func agreement() {
        var report = GoldenReport()
        report.add(expected: wanted, got: [Neighbor(id: "a", distance: 0.01), Neighbor(id: "b", distance: 1.98)])
        #expect(report.comparisons == 1 && report.top1 == 1 && report.agreement == 1)
        #expect(abs(report.maxRelativeError - 0.01) < 1e-6)
        #expect(report.passes())
    }

    @Test func disagreementFails() {
        var swapped = GoldenReport()
        swapped.add(expected: wanted, got: [Neighbor(id: "b", distance: 0), Neighbor(id: "a", distance: 2)])
        #expect(swapped.top1 == 0 && swapped.maxRelativeError == 1 && !swapped.passes())
        var missing = GoldenReport()
        missing.add(expected: wanted, got: [Neighbor(id: "a", distance: 0), Neighbor(id: "b", distance: .nan)])
        #expect(missing.agreement == 0.5 && !missing.passes())
        var off = GoldenReport()
        off.add(expected: wanted, got: [Neighbor(id: "a", distance: 0), Neighbor(id: "b", distance: 2.5)])
        #expect(off.maxRelativeError == 0.25 && !off.passes())
    }

    @Test func aDuplicateMayComeFirst() {
        let twins = [Neighbor(id: "a", distance: 0), Neighbor(id: "twin", distance: 0), Neighbor(id: "b", distance: 2)]
        var report = GoldenReport()
        report.add(expected: twins, got: [twins[1], twins[0], twins[2]])
        #expect(report.top1 == 1 && report.passes())
    }

    @Test func vectors() {
        var report = GoldenReport()
        report.add(expected: [3, 4], got: [3, 4.25])
        #expect(abs(report.maxRelativeError - 0.05) < 1e-6 && report.passes())
        report.add(expected: [3, 4], got: [4, 3])
        #expect(!report.passes())
        var wrong = GoldenReport()
        wrong.add(expected: [3, 4], got: [3])
        #expect(!wrong.passes())
    }

    @Test func nothingComparedIsNoPass() {
        #expect(!GoldenReport().passes())
    }
}
