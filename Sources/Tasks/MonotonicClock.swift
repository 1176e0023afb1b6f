/// Seconds of a clock that only goes forward.
package func monotonicSeconds() -> Double {
    let duration = ContinuousClock.now - processStart
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

private let processStart = ContinuousClock.now
