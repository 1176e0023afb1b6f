import JSON
import Tasks
import Testing

@Suite("HyperparameterSearch")
struct HyperparameterSearchTests {
    /// A landscape with its summit at a rate of 1e-4; a second for each epoch over all examples.
    private func search(
        _ examples: Int = 9000, seconds: Double, seed: UInt64 = 1, diverging: Bool = false
    ) -> (trials: [HyperparameterSearch.Trial], chosen: FineTuning.Configuration, time: Double) {
        let space = SearchSpace(around: FineTuning.Configuration(method: .full, seed: seed))
        var time = 0.0
        var reported = 0
        let result = HyperparameterSearch(space, examples: examples, seconds: seconds).run(
            clock: { time },
            train: { configuration, share in
                time += share * Double(configuration.epochs)
                if diverging { return nil }
                let distance = abs(configuration.learningRate - 1e-4) / 1e-4
                let right = max(0, 90 - Int(distance * 40)) + Int(share * 10)
                return .classification(
                    ClassificationMetrics(
                        labels: ["a", "b"], targets: [Int](repeating: 0, count: 100),
                        predictions: (0..<100).map { $0 < right ? 0 : 1 }))
            }, report: { _ in reported += 1 })
        #expect(reported == result.trials.count)
        return (result.trials, result.chosen, time)
    }

    @Test("the same seed tries the same settings, as far as time reaches; another seed others")
    func determinism() {
        let long = search(seconds: 200)
        let short = search(seconds: 40)
        #expect(short.trials.count > 3 && short.trials.count < long.trials.count)
        #expect(Array(long.trials.prefix(short.trials.count)) == short.trials)
        #expect(
            search(seconds: 40, seed: 2).trials[1].configuration.learningRate
                != short.trials[1].configuration.learningRate)
    }

    @Test("the choice is at least as good as what the search began with, and time is left to train it")
    func choice() {
        let result = search(seconds: 200)
        let full = result.trials.filter { $0.share == 1 }
        #expect(full.contains { $0.configuration == FineTuning.Configuration(method: .full, seed: 1) })
        let best = full.first { $0.configuration == result.chosen }!
        #expect(full.allSatisfy { !$0.dev.isBetter(than: best.dev) })
        #expect(abs(result.chosen.learningRate - 1e-4) < abs(5e-5 - 1e-4))
        #expect(result.time + Double(result.chosen.epochs) <= 200)
    }

    @Test("a third goes on to the next part of the examples; few examples are not parted")
    func halving() {
        let trials = search(seconds: 1000).trials
        let firstFull = trials.firstIndex { $0.share == 1 }!
        #expect(trials[..<firstFull].count { $0.share < 0.2 } == 9)
        #expect((3...4).contains(trials[..<firstFull].count { $0.share > 0.3 }))
        #expect(search(300, seconds: 100).trials.allSatisfy { $0.share == 1 })
    }

    @Test("no time, or nothing but divergence: the settings that it began with")
    func nothing() {
        let base = FineTuning.Configuration(method: .full, seed: 1)
        let result = search(seconds: 0)
        #expect(result.trials.count == 1 && result.chosen == base)
        #expect(search(seconds: 100, diverging: true).chosen == base)
    }

    @Test("settings stay in their ranges, and a trial is a line of its log")
    func space() {
        for trial in search(seconds: 2000).trials {
            let configuration = trial.configuration
            #expect((1e-5...2.5e-4).contains(configuration.learningRate))
            #expect([2, 3, 4, 6].contains(configuration.epochs) && [8, 16, 32, 64].contains(configuration.batchSize))
            #expect(trial.json(number: 3)["learningRate"] == .number(configuration.learningRate))
        }
    }
}
