import JSON
import Tensors
import Tokenizers

/// Input lines to records with the entities in them.
public struct EntityRecords {
    private let tagger: TokenTagger
    private let aggregation: AggregationStrategy

    public init(_ tagger: TokenTagger, aggregation: AggregationStrategy) {
        self.tagger = tagger
        self.aggregation = aggregation
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let encodings = usable.map { input in
            tagger.tokenizer.encode(input.text, truncation: Truncation(maxLength: tagger.maxLength))
        }
        // A tokenizer without special tokens makes none of an empty text.
        let filled = encodings.indices.filter { encodings[$0].count > 0 }
        let logits = tagger.logits(
            filled.map { TokenizedText(ids: encodings[$0].ids, typeIDs: encodings[$0].typeIDs) })
        var entities = [[Entity]](repeating: [], count: encodings.count)
        for (place, logits) in zip(filled, logits) {
            let tokens = tagger.tokens(of: usable.inputs[place].text, encodings[place], logits: logits)
            entities[place] = aggregation.entities(tokens, labels: tagger.labels)
        }
        return usable.records { place, writer in
            write(entities[place], of: Array(usable.inputs[place].text.unicodeScalars), to: &writer)
            writer.truncation(of: encodings[place])
        }
    }

    private func write(_ entities: [Entity], of scalars: [Unicode.Scalar], to writer: inout JSONWriter) {
        writer.key("entities")
        writer.beginArray()
        for entity in entities {
            writer.beginObject()
            writer.key("label")
            writer.string(entity.label)
            writer.key("score")
            writer.number(entity.score)
            writer.key("start")
            writer.integer(entity.range.lowerBound)
            writer.key("end")
            writer.integer(entity.range.upperBound)
            writer.key("text")
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[entity.range])
            writer.string(String(text))
            writer.endObject()
        }
        writer.endArray()
    }
}
