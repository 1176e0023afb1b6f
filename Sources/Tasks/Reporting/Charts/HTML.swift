/// Markup. What is interpolated is text and shows as it is; only other `HTML` is markup itself.
///
/// So no text of an example, label or file can become an element or a script.
package struct HTML: Equatable, Sendable, ExpressibleByStringInterpolation {
    package private(set) var text: String

    package init(stringLiteral value: String) { text = value }
    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }
    init(_ parts: [HTML], separator: String = "") { text = parts.map(\.text).joined(separator: separator) }

    static let empty: HTML = ""

    static func += (html: inout HTML, other: HTML) { html.text += other.text }

    package struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(2 * literalCapacity) }

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ value: String) { text += escaped(value) }
        package mutating func appendInterpolation(_ value: Int) { text += "\(value)" }
        /// A place in a drawing: hundredths.
        package mutating func appendInterpolation(_ place: Double) { text += fixed(place, 2) }
        package mutating func appendInterpolation(_ html: HTML) { text += html.text }
        package mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }
    }

    /// The text with the five characters that mean something in markup as references; controls, which documents must
    /// not hold, as their pictures.
    static func escaped(_ value: String) -> String {
        var result = ""
        result.reserveCapacity(value.utf8.count)
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}": result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value)!)
            case "\u{7F}"..."\u{9F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
