/// A number with a fixed number of digits behind the point.
package func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = Int(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(Int(scaled - Double(whole) * scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// A small number such as `1.2e-7`.
package func scientific(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "\(value)" }
    var (mantissa, exponent) = (value, 0)
    // Rounded to two digits before the exponent is known: 9.99 is 1.0e1.
    while mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\(fixed(mantissa, 1))e\(exponent)"
}

/// A duration such as `1:05`.
package func clockTime(_ seconds: Double) -> String {
    let seconds = Int(seconds.rounded())
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60)
    let tail = "\(rest < 10 ? "0" : "")\(rest)"
    return seconds < 3600 ? "\(minutes):\(tail)" : "\(seconds / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
}
