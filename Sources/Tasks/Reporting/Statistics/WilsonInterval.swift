/// The range that holds a share with a confidence of 95 %.
///
/// Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
func wilsonInterval(_ successes: Int, of trials: Int) -> ClosedRange<Double> {
    guard trials > 0 else { return 0...1 }
    let (n, z) = (Double(trials), 1.959_963_984_540_054)
    let p = Double(successes) / n
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, center - half)...min(1, center + half)
}
