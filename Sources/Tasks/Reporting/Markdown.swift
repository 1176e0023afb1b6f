import JSON

/// Pieces of a model card: Markdown, and the YAML in front of it.
enum Markdown {
    /// Strings of JSON are strings of YAML.
    static func quoted(_ text: String) -> String {
        String(decoding: JSON.string(text).serialized(), as: UTF8.self)
    }

    /// A model's place on the hub, `organization/name`, quoted; `nil` of other names, with which the hub refuses a card.
    static func hubName(_ model: String) -> String? {
        guard model.split(separator: "/").count == 2, !model.hasPrefix("/"), !model.hasPrefix(".") else { return nil }
        return quoted(model)
    }

    /// Inside a table a bar would end the cell.
    static func code(_ text: String, inTable: Bool = false) -> String {
        let text = text.filter { $0 != "`" && !$0.isNewline }
        return "`\(inTable ? text.replacing("|", with: "\\|") : text)`"
    }

    static func table(_ header: (String, String), _ rows: [(String, String)]) -> String {
        let lines = rows.map { "| \(escaped($0.0)) | \(escaped($0.1)) |" }
        return (["| \(header.0) | \(header.1) |", "|---|---|"] + lines).joined(separator: "\n")
    }

    /// Without what Markdown or a table would take for its own.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "`", "*", "_", "[", "]", "<", ">", "#", "|": result += "\\\(scalar)"
            case "\n", "\r": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
