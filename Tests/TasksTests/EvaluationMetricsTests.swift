import Tasks
import Tensors
import Testing

@Suite("RegressionMetrics")
struct RegressionMetricsTests {
    @Test("errors and correlations are those of a hand-worked table")
    func table() throws {
        // Ranks 0 1 2 3 against 0 2.5 1 2.5: deviations -1.5 1 -0.5 1 give 3 / √(5 · 4.5).
        let metrics = RegressionMetrics(
            targets: Tensor([4, 1], [1, 2, 3, 4]), predictions: Tensor([4, 1], [1, 4, 2, 4]))
        #expect(metrics.examples == 4 && metrics.mse == 1.25 && metrics.mae == 0.75)
        // Deviations -1.5 -0.5 0.5 1.5 and -1.75 1.25 -0.75 1.25: 3.5 / √(5 · 6.75).
        #expect(abs(try #require(metrics.pearson) - 3.5 / 33.75.squareRoot()) < 1e-12)
        #expect(abs(try #require(metrics.spearman) - 3 / 22.5.squareRoot()) < 1e-12)
    }

    @Test("the correlation with a constant is undefined")
    func constant() {
        let metrics = RegressionMetrics(
            targets: Tensor([3, 1], [1, 2, 3]), predictions: Tensor([3, 1], [2, 2, 2]))
        #expect(metrics.pearson == nil && metrics.spearman == nil && metrics.mae == 2.0 / 3)
    }

    @Test("a prediction that is not a number leaves no correlation", arguments: [Float.nan, .infinity])
    func notANumber(value: Float) {
        let metrics = RegressionMetrics(
            targets: Tensor([3, 1], [1, 2, 3]), predictions: Tensor([3, 1], [1, value, 2]))
        #expect(metrics.pearson == nil && metrics.spearman == nil && !metrics.mse.isFinite)
    }

    @Test("of several numbers the mean of the correlations counts")
    func several() {
        let metrics = RegressionMetrics(
            targets: Tensor([3, 2], [1, 1, 2, 2, 3, 3]), predictions: Tensor([3, 2], [1, 3, 2, 2, 3, 1]))
        #expect(metrics.examples == 3 && metrics.pearson == 0 && metrics.spearman == 0)
        #expect(abs(metrics.mse - 8.0 / 6) < 1e-12)
    }
}

@Suite("MultiLabelMetrics")
struct MultiLabelMetricsTests {
    @Test("micro-F1, macro-F1 and exact matches are those of a hand-worked table")
    func table() {
        let metrics = MultiLabelMetrics(
            labels: ["a", "b", "c"],
            targets: [[true, false, false], [true, true, false], [false, false, false], [false, true, false]],
            predictions: [[true, true, false], [true, true, false], [false, false, false], [true, false, false]])
        #expect(metrics.perLabel.map(\.support) == [2, 2, 0])
        // a: 2 right, 1 too many; b: 1 right, 1 too many, 1 missed; c: nothing at all.
        #expect(metrics.perLabel.map(\.f1) == [0.8, 0.5, 0])
        #expect(metrics.perLabel[0].precision == 2.0 / 3 && metrics.perLabel[0].recall == 1)
        #expect(metrics.micro.f1 == 6.0 / 9)
        #expect(abs(metrics.macroF1 - 1.3 / 3) < 1e-12)
        #expect(metrics.exactMatches == 2 && metrics.exactMatch == 0.5)
    }
}
