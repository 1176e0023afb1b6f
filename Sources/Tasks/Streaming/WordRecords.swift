import JSON
public import Tokenizers

/// Input lines to records with their words and the scripts these are written in, without a model.
public struct WordRecords {
    private let segmenter: WordSegmenter

    public init(_ segmenter: WordSegmenter) { self.segmenter = segmenter }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let records = usable.map { input in (segmenter.words(of: input.text), Script.runs(of: input.text)) }
        return usable.records { place, writer in
            let (words, runs) = records[place]
            write(words, runs, to: &writer)
        }
    }

    private func write(_ words: [WordSegmenter.Word], _ runs: [ScriptRun], to writer: inout JSONWriter) {
        writer.key("words")
        writer.beginArray()
        for word in words { writer.string(word.text) }
        writer.endArray()
        writer.key("offsets")
        writer.beginArray()
        for word in words {
            writer.beginArray()
            writer.integer(word.segment.range.lowerBound)
            writer.integer(word.segment.range.upperBound)
            writer.endArray()
        }
        writer.endArray()
        writer.key("scripts")
        writer.beginArray()
        var run = 0
        for word in words {
            let range = word.segment.range
            while runs[run].range.upperBound <= range.lowerBound { run += 1 }
            // A word that mixes scripts names each once, in their order.
            var scripts: [Script] = []
            for run in runs[run...].prefix(while: { $0.range.lowerBound < range.upperBound })
            where !scripts.contains(run.script) {
                scripts.append(run.script)
            }
            writer.string(scripts.map(\.code).joined(separator: "+"))
        }
        writer.endArray()
    }
}
