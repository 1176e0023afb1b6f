import Glibc
import JSON
import Tasks
import TestSupport
import Testing

@Suite("LearningRateRange")
struct LearningRateRangeTests {
    /// A loss that falls from 1 to 0.2 about a rate of 1e-3, and explodes from 0.1 on.
    private func loss(_ rate: Double) -> Double {
        0.2 + 0.8 / (1 + exp(2.5 * (log10(rate) + 3))) + (rate > 0.1 ? rate * 10 : 0)
    }

    private var range: LearningRateRange {
        var range = LearningRateRange()
        while range.add(loss: loss(LearningRateRange.learningRate(at: range.points.count))) {}
        return range
    }

    @Test("the rates grow from 1e-7 towards 10 by the same factor")
    func rates() {
        #expect(LearningRateRange.learningRate(at: 0) == 1e-7)
        #expect(abs(LearningRateRange.learningRate(at: 50) / 1e-3 - 1) < 1e-9)
    }

    @Test("the test ends where the loss is four times the best, or is no number")
    func end() throws {
        let range = range
        let best = try #require(range.points.map(\.loss).min())
        #expect(range.points.count < 100)
        #expect(try #require(range.points.last).loss > 4 * best || range.points.count == 100)
        var broken = LearningRateRange()
        #expect(broken.add(loss: 1) && !broken.add(loss: .nan) && broken.points.count == 1)
    }

    @Test("the suggestions lie in the descent")
    func suggestions() throws {
        let (valley, steepest) = (try #require(range.valley), try #require(range.steepest))
        #expect((1e-5...1e-1).contains(valley), "\(valley)")
        #expect((1e-4...1e-1).contains(steepest), "\(steepest)")
        #expect(LearningRateRange().valley == nil && LearningRateRange().steepest == nil)
    }

    @Test("the page shows the curve and the suggestions")
    func page() throws {
        let html = range.html(title: "<model>")
        #expect(html.contains("&lt;model&gt;") && html.contains("<polyline") && html.contains("valley"))
    }
}
