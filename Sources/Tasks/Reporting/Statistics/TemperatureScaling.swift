import Glibc
public import Tensors

/// A number that logits are divided by, so that scores say how often they are right. It changes no order of scores.
///
/// Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", §4.2. Added to the source is the expectation
/// that the temperature is near 1 (`log T` normal with deviation 1), which weighs as much as a few examples: a handful
/// without a single mistake must not make every score 1.
public struct TemperatureScaling: Equatable, Sendable {
    public let temperature: Float
    /// The mean loss of the examples it was fitted to, before and after.
    public let lossBefore: Double
    public let lossAfter: Double

    /// Fits the temperature.
    ///
    /// - Parameter logits: `[examples, labels]` of examples that the model was not trained with.
    /// - Returns: `nil` for numbers, which have no scores, and without examples.
    public init?(_ logits: Tensor, _ targets: Targets) {
        switch targets {
        case .classes, .labelSets: break
        case .values, .tags: return nil
        }
        guard targets.count > 0, logits.isFinite else { return nil }
        let count = Double(targets.count)
        func objective(_ logTemperature: Double) -> Double {
            count * targets.loss(Self.scaled(logits, by: exp(logTemperature))).loss
                + logTemperature * logTemperature / 2
        }
        let logTemperature = Self.minimum(of: objective, in: log(0.05)...log(20))
        // Four digits: more than examples can tell, and a readable file.
        temperature = Float((exp(logTemperature) * 1e4).rounded() / 1e4)
        lossBefore = targets.loss(logits).loss
        lossAfter = targets.loss(Self.scaled(logits, by: Double(temperature))).loss
    }

    package static func scaled(_ logits: Tensor, by temperature: Double) -> Tensor {
        var logits = logits
        logits.scale(by: Float(1 / temperature))
        return logits
    }

    /// Of a function with one valley. Source: Kiefer 1953, "Sequential Minimax Search for a Maximum" (golden section).
    private static func minimum(of function: (Double) -> Double, in range: ClosedRange<Double>) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (range.lowerBound, range.upperBound)
        var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        var (valueA, valueB) = (function(a), function(b))
        while high - low > 1e-5 {
            if valueA < valueB {
                (high, b, valueB) = (b, a, valueA)
                a = high - ratio * (high - low)
                valueA = function(a)
            } else {
                (low, a, valueA) = (a, b, valueB)
                b = low + ratio * (high - low)
                valueB = function(b)
            }
        }
        return (low + high) / 2
    }
}
