import Glibc
import Tasks
import Tensors
import Testing

@Suite("Bootstrap")
struct BootstrapTests {
    @Test("the interval of a mean is that of the normal distribution, and the same each time")
    func mean() {
        // 0 and 1 in turn: deviation 0.5, of the mean of 400 0.025.
        let mean = { (rows: [Int]) in [Double(rows.count { $0 % 2 == 0 }) / Double(rows.count)] }
        let interval = Bootstrap.intervals(examples: 400, mean)[0]
        #expect(abs(interval.lowerBound - (0.5 - 1.96 * 0.025)) < 0.006)
        #expect(abs(interval.upperBound - (0.5 + 1.96 * 0.025)) < 0.006)
        #expect(Bootstrap.intervals(examples: 400, mean)[0] == interval)
    }

    @Test("quantiles lie between their neighbours")
    func quantiles() {
        #expect(Bootstrap.quantile(0.5, [1, 2, 4, 8]) == 3)
        #expect(Bootstrap.quantile(1, [1, 2]) == 2 && Bootstrap.quantile(0, [5]) == 5)
    }
}

@Suite("Reliability")
struct ReliabilityTests {
    @Test("the expected calibration error of a hand-worked example")
    func error() {
        // Bins of a half: 0.4 and 0.2 with one right (mean 0.3, share 0.5), 0.8 and 0.9 both right (0.85, 1).
        let reliability = Reliability(scores: [0.4, 0.2, 0.8, 0.9], isRight: [true, false, true, true], bins: 2)
        #expect(abs(reliability.expectedCalibrationError - (0.5 * 0.2 + 0.5 * 0.15)) < 1e-6)
        #expect(reliability.bins.map(\.count) == [2, 2])
    }

    @Test("of single labels the best score counts, of sets of labels all")
    func kinds() throws {
        let scores = Tensor([2, 2], [0.9, 0.1, 0.3, 0.7])
        let single = try #require(Targets.classes([0, 0]).reliability(scores))
        #expect(single.bins.reduce(0) { $0 + $1.count } == 2)
        let sets = try #require(Targets.labelSets(Tensor([2, 2], [1, 0, 0, 1])).reliability(scores))
        #expect(sets.bins.reduce(0) { $0 + $1.count } == 4)
        #expect(Targets.values(scores).reliability(scores) == nil)
    }
}

@Suite("TemperatureScaling")
struct TemperatureScalingTests {
    /// Examples whose labels come from the probabilities that softmax gives for the logits divided by `temperature`.
    private func examples(_ count: Int, temperature: Float) -> (Tensor, Targets) {
        let random = RandomSource(seed: 3)
        let logits = random.normalTensor([count, 3], standardDeviation: 3)
        let scaled = TemperatureScaling.scaled(logits, by: Double(temperature)).softmaxedRows()
        let classes = (0..<count).map { row -> Int in
            let (draw, p) = (random.uniform(), Array(scaled.row(row)))
            return draw < p[0] ? 0 : draw < p[0] + p[1] ? 1 : 2
        }
        return (logits, .classes(classes))
    }

    @Test("the temperature that made the labels is found", arguments: [0.5, 1, 2.5] as [Float])
    func recovery(temperature: Float) throws {
        let (logits, targets) = examples(4000, temperature: temperature)
        let fitted = try #require(TemperatureScaling(logits, targets))
        #expect(abs(fitted.temperature / temperature - 1) < 0.08, "\(fitted.temperature)")
        #expect(fitted.lossAfter <= fitted.lossBefore + 1e-6)
    }

    @Test("the fitted loss is a minimum, the prior included")
    func minimum() throws {
        let (logits, targets) = examples(200, temperature: 2)
        let fitted = try #require(TemperatureScaling(logits, targets))
        func objective(_ temperature: Double) -> Double {
            200 * targets.loss(TemperatureScaling.scaled(logits, by: temperature)).loss + pow(log(temperature), 2) / 2
        }
        let best = objective(Double(fitted.temperature))
        #expect(
            best <= objective(Double(fitted.temperature) * 1.02) && best <= objective(Double(fitted.temperature) / 1.02)
        )
    }

    @Test("a few examples without a mistake do not make scores certain")
    func fewExamples() throws {
        let logits = Tensor([5, 2], [2, -2, -2, 2, 2, -2, 2, -2, -2, 2])
        let fitted = try #require(TemperatureScaling(logits, .classes([0, 1, 0, 0, 1])))
        #expect(fitted.temperature > 0.5 && fitted.temperature < 1)
    }

    @Test("numbers, no examples and broken logits have no temperature")
    func none() {
        #expect(TemperatureScaling(Tensor([1, 1], [3]), .values(Tensor([1, 1], [3]))) == nil)
        #expect(TemperatureScaling(Tensor([0, 2], []), .classes([])) == nil)
        #expect(TemperatureScaling(Tensor([1, 2], [.nan, 0]), .classes([0])) == nil)
    }
}
