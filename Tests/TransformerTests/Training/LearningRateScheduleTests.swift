import JSON
import TestSupport
import Testing
import Transformer

@Suite("LearningRateSchedule")
struct LearningRateScheduleTests {
    @Test(
        "rates are those of transformers' get_scheduler and torch's OneCycleLR",
        arguments: LearningRateSchedule.Kind.allCases.filter { $0 != .slantedTriangular })
    func parity(kind: LearningRateSchedule.Kind) throws {
        let expected = try #require(OptimizationGoldens.section("schedules")[kind.rawValue]?.numbers)
        let warmup = kind == .oneCycle ? 6 : 4
        let schedule = LearningRateSchedule(kind, peak: 2e-3, warmupSteps: warmup, steps: 20)
        #expect(expected.count == 20)
        for (step, rate) in expected.enumerated() {
            #expect(abs(schedule.learningRate(at: step) - rate) < 1e-12, "step \(step)")
        }
    }

    @Test("the slanted triangle rises from a 32nd to the peak and falls there again")
    func slanted() {
        let schedule = LearningRateSchedule(.slantedTriangular, peak: 32, warmupSteps: 2, steps: 6)
        #expect((0...6).map(schedule.learningRate) == [1, 16.5, 32, 24.25, 16.5, 8.75, 1])
    }

    @Test("no schedule leaves the numbers at its ends", arguments: LearningRateSchedule.Kind.allCases)
    func ends(kind: LearningRateSchedule.Kind) {
        for (warmup, steps) in [(0, 0), (0, 1), (1, 1), (3, 3), (5, 5), (0, 7)] {
            let schedule = LearningRateSchedule(kind, peak: 1, warmupSteps: warmup, steps: steps)
            for step in 0...steps + 2 {
                let rate = schedule.learningRate(at: step)
                #expect((0...1).contains(rate), "\(rate) at \(step) of \(steps), warm-up \(warmup)")
            }
        }
    }
}
