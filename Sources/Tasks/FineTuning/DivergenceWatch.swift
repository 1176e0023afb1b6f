/// Tells a run that diverges from one that learns.
///
/// A loss explodes when in most of the last steps it is above three times its running mean by more than the loss at the
/// start: far worse than a model that knows nothing. Single batches that are hard, a jump back to chance, and a loss that
/// creeps up do not count; what is not a number counts at once.
package struct DivergenceWatch: Codable, Equatable, Sendable {
    /// So many of the last steps make an explosion: not all, as a model that gives every text one label is right at times.
    static let (explodedSteps, lastSteps) = (8, 12)
    static let firstSteps = 3
    private static let decay = 0.98

    /// The largest of the first steps.
    private var first = 0.0
    private var mean = 0.0
    private var steps = 0
    /// A bit for each of the last steps, the last one lowest, set where the loss was too high.
    private var high: UInt16 = 0

    package init() {}

    /// Whether the last losses were nothing to worry about.
    var isCalm: Bool { high & 1 == 0 && high.nonzeroBitCount < Self.explodedSteps / 2 }

    /// - Returns: whether the run diverges.
    package mutating func sees(_ loss: Double, gradientNorm: Double) -> Bool {
        guard loss.isFinite, gradientNorm.isFinite else { return true }
        let isHigh = steps >= Self.firstSteps && loss > 3 * mean + first
        high = (high << 1 | (isHigh ? 1 : 0)) & (1 << Self.lastSteps - 1)
        if steps < Self.firstSteps {
            first = max(first, loss)
            mean = (mean * Double(steps) + loss) / Double(steps + 1)
        } else {
            mean = Self.decay * mean + (1 - Self.decay) * loss
        }
        steps += 1
        return high.nonzeroBitCount >= Self.explodedSteps
    }
}
