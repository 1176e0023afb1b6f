import Tasks
import Testing

@Suite("ClassificationMetrics")
struct ClassificationMetricsTests {
    @Test("numbers are the ones worked by hand")
    func worked() {
        let metrics = ClassificationMetrics(
            labels: ["a", "b", "c"], targets: [0, 0, 0, 1, 1, 2], predictions: [0, 0, 1, 1, 0, 0])
        #expect(metrics.confusion == [[2, 1, 0], [1, 1, 0], [1, 0, 0]])
        #expect(metrics.examples == 6 && metrics.correct == 3 && metrics.accuracy == 0.5)
        let (a, b, c) = (metrics.perLabel[0], metrics.perLabel[1], metrics.perLabel[2])
        #expect(a.support == 3 && a.precision == 0.5 && abs(a.recall - 2.0 / 3) < 1e-12 && abs(a.f1 - 4.0 / 7) < 1e-12)
        #expect(b.precision == 0.5 && b.recall == 0.5 && b.f1 == 0.5)
        #expect(c.support == 1 && c.precision == 0 && c.recall == 0 && c.f1 == 0)
        #expect(abs(metrics.macroF1 - (4.0 / 7 + 0.5) / 3) < 1e-12)
    }

    @Test("the interval of an accuracy is Wilson's")
    func interval() {
        let metrics = ClassificationMetrics(
            labels: ["a", "b"], targets: [Int](repeating: 0, count: 10),
            predictions: [Int](repeating: 0, count: 8) + [1, 1])
        // Brown, Cai and DasGupta 2001 give (0.490, 0.943) for 8 of 10.
        #expect(abs(metrics.accuracyInterval.lowerBound - 0.4902) < 1e-4)
        #expect(abs(metrics.accuracyInterval.upperBound - 0.9433) < 1e-4)
    }
}
