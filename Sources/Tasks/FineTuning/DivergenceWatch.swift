/// Tells a run that diverges from one that learns.
///
/// A loss explodes when several steps in a row it is above three times its running mean by more than the loss at the
/// start: far worse than a model that knows nothing. Single batches that are hard, a jump back to chance, and a loss that
/// creeps up do not count; what is not a number counts at once.
package struct DivergenceWatch: Codable, Equatable, Sendable {
    static let stepsInARow = 8
    static let firstSteps = 8
    private static let decay = 0.98

    /// The mean over the first steps.
    private var first = 0.0
    private var mean = 0.0
    private var steps = 0
    private var exploded = 0

    package init() {}

    /// Whether the last loss was nothing to worry about.
    var isCalm: Bool { exploded == 0 }

    /// - Returns: whether the run diverges.
    package mutating func sees(_ loss: Double, gradientNorm: Double) -> Bool {
        guard loss.isFinite, gradientNorm.isFinite else { return true }
        let isHigh = steps >= Self.firstSteps && loss > 3 * mean + first
        exploded = isHigh ? exploded + 1 : 0
        if steps < Self.firstSteps {
            first = (first * Double(steps) + loss) / Double(steps + 1)
            mean = first
        } else {
            mean = Self.decay * mean + (1 - Self.decay) * loss
        }
        steps += 1
        return exploded >= Self.stepsInARow
    }
}
