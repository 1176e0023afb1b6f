/// The first stage of the pipeline: rewrites a text before it is cut.
indirect enum Normalizer: Sendable {
    case bert(BertNormalizer)
    case form(UnicodeForm)
    case lowercase
    case sequence([Normalizer])

    func apply(_ text: inout AlignedText) {
        switch self {
        case .bert(let normalizer): normalizer.apply(&text)
        case .form(let form): text.normalize(form)
        case .lowercase: text.lowercase()
        case .sequence(let normalizers): for normalizer in normalizers { normalizer.apply(&text) }
        }
    }

    /// A text's normalized bytes, where nobody asks for offsets.
    func normalized(_ bytes: [UInt8]) -> [UInt8] {
        var text = AlignedText(bytes: bytes)
        apply(&text)
        return text.bytes
    }
}
