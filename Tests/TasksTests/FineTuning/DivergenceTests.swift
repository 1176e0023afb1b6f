import Glibc
import Tasks
import Tensors
import Testing

@Suite("DivergenceWatch")
struct DivergenceTests {
    /// - Returns: the first step, from 0, at which the watch sees a divergence.
    private func firstDivergence(_ losses: [Double], gradientNorms: [Double]? = nil) -> Int? {
        var watch = DivergenceWatch()
        return losses.indices.first { watch.sees(losses[$0], gradientNorm: gradientNorms?[$0] ?? 1) }
    }

    @Test("a loss or a gradient that is no number counts at once")
    func notANumber() {
        #expect(firstDivergence([0.7, 0.6, .nan]) == 2)
        #expect(firstDivergence([.infinity]) == 0)
        #expect(firstDivergence([0.7, 0.6], gradientNorms: [1, .nan]) == 1)
    }

    @Test("a loss that grows beyond measure counts after eight steps, also where some between are low")
    func explosion() {
        let learned = (0..<100).map { 0.7 / Double(1 + $0 / 10) }
        #expect(firstDivergence(learned + (1...20).map { 2.0 * Double($0 * $0) }) == 107)
        // From 1 to e^30 in thirty steps.
        let growing = learned + (0..<30).map { exp(Double($0)) }
        #expect(firstDivergence(growing).map { $0 < 115 } == true)
        // From the fourth step on; one batch in four has the only label that is given.
        let early = [0.7, 0.7, 0.65] + (0..<30).map { $0 % 4 == 1 ? 0 : 40 + Double($0) }
        #expect(firstDivergence(early).map { $0 < 16 } == true)
    }

    @Test("hard batches, a rise back to chance, a noisy start and a high plateau do not count")
    func health() {
        let random = RandomSource(seed: 3)
        // Exponentially distributed losses, as those of single examples.
        func noisy(_ mean: Double, _ count: Int) -> [Double] {
            (0..<count).map { _ in -mean * log(1 - Double(random.uniform())) }
        }
        #expect(firstDivergence(noisy(0.7, 50) + noisy(0.05, 20_000)) == nil)
        #expect(firstDivergence([0.7, 0.7, 0.7] + [Double](repeating: 0.01, count: 500) + noisy(0.7, 500)) == nil)
        #expect(firstDivergence((0..<200).map { $0 % 10 == 0 ? 50 : 0.5 }) == nil)
        #expect(firstDivergence((0..<1000).map { 0.5 + Double($0) * 0.01 }) == nil)
        // Squared errors with heavy tails, one example a step.
        let errors = (0..<20_000).map { _ in Double(random.normal()) }
        #expect(firstDivergence(errors.map { $0 * $0 * $0 * $0 }) == nil)
    }
}
