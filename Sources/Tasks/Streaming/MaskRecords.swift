import JSON
import Tensors
import Tokenizers

/// Input lines with masked words to records with the tokens that may stand there.
public struct MaskRecords {
    private let model: MaskedLanguageModel
    private let topK: Int

    /// - Parameter topK: how many tokens are given for each place.
    public init(_ model: MaskedLanguageModel, topK: Int) {
        self.model = model
        self.topK = topK
    }

    /// Why a line cannot be used, beside what makes a line unusable for everybody.
    public func fault(_ input: InputText, line: Int) -> LineFault? {
        // By bytes: a combining character behind the mask does not hide it.
        if input.text.utf8.firstRange(of: model.mask.utf8) == nil { return .missingMask(line: line, mask: model.mask) }
        // A token has a byte at least.
        if input.text.utf8.count < model.maxLength - 2 { return nil }
        let ids = model.tokenizer.encode(input.text, truncation: Truncation(maxLength: model.maxLength)).ids
        return ids.contains(model.maskID) ? nil : .cutMask(line: line, mask: model.mask, tokens: model.maxLength)
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let encodings = usable.map { input in
            model.tokenizer.encode(input.text, truncation: Truncation(maxLength: model.maxLength))
        }
        let candidates = model.candidates(
            encodings.map { TokenizedText(ids: $0.ids, typeIDs: $0.typeIDs) }, count: topK)
        return usable.records { place, writer in
            write(candidates[place], encodings[place], to: &writer)
            writer.truncation(of: encodings[place])
        }
    }

    private func write(
        _ places: [[MaskedLanguageModel.Candidate]], _ encoding: Encoding, to writer: inout JSONWriter
    ) {
        let offsets = encoding.ids.indices.filter { encoding.ids[$0] == model.maskID }.map { encoding.offsets[$0] }
        writer.key("masks")
        writer.beginArray()
        for (candidates, range) in zip(places, offsets) {
            writer.beginObject()
            writer.key("start")
            writer.integer(range.lowerBound)
            writer.key("end")
            writer.integer(range.upperBound)
            writer.key("tokens")
            writer.beginArray()
            for candidate in candidates {
                writer.beginObject()
                writer.key("token")
                writer.string(model.tokenizer.decode([candidate.id], skipSpecialTokens: false))
                writer.key("id")
                writer.integer(candidate.id)
                writer.key("score")
                writer.number(candidate.probability)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
    }
}
