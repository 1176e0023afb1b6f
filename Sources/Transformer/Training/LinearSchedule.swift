/// A learning rate that rises linearly from zero to its peak, then falls linearly to zero.
///
/// Source: Devlin et al. 2019, appendix A.2; transformers' `get_linear_schedule_with_warmup`.
public struct LinearSchedule: Equatable, Sendable {
    public let peak: Double
    public let warmupSteps: Int
    public let steps: Int

    public init(peak: Double, warmupSteps: Int, steps: Int) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.steps = steps
    }

    /// The learning rate of a step, counted from 0.
    public func learningRate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
        return peak * max(0, Double(steps - step) / Double(max(1, steps - warmupSteps)))
    }
}
