/// Puts one window of each text and the special tokens together.
extension PostProcessor {
    func compose(
        _ first: TokenBuffer, _ firstWindow: Range<Int>, _ second: TokenBuffer?, _ secondWindow: Range<Int>,
        addSpecialTokens: Bool, vocabulary: TokenTable
    ) -> Encoding {
        var result = Encoding(vocabulary: vocabulary)
        let template = second == nil ? single : pair
        let count = firstWindow.count + secondWindow.count + template.count
        result.ids.reserveCapacity(count)
        result.typeIDs.reserveCapacity(count)
        result.offsets.reserveCapacity(count)
        result.wordIDs.reserveCapacity(count)
        result.specialTokensMask.reserveCapacity(count)
        result.sequenceRanges = [Range<Int>](repeating: 0..<0, count: second == nil ? 1 : 2)
        for piece in template {
            switch piece {
            case .special(let id, let token, let typeID):
                if !addSpecialTokens { continue }
                if vocabulary.token(of: id).map({ !$0.utf8.elementsEqual(token.utf8) }) ?? true {
                    result.surfaces[result.ids.count] = token
                }
                result.ids.append(id)
                result.typeIDs.append(typeID)
                result.offsets.append(0..<0)
                result.wordIDs.append(nil)
                result.specialTokensMask.append(1)
            case .sequence(let index, let typeID):
                let start = result.ids.count
                if index == 0 {
                    append(first, firstWindow, typeID, to: &result)
                } else if let second {
                    append(second, secondWindow, typeID, to: &result)
                }
                result.sequenceRanges[index] = start..<result.ids.count
            }
        }
        return result
    }

    private func append(_ tokens: TokenBuffer, _ window: Range<Int>, _ typeID: Int32, to result: inout Encoding) {
        let shift = result.ids.count - window.lowerBound
        result.ids.append(contentsOf: tokens.ids[window])
        result.typeIDs.append(contentsOf: repeatElement(typeID, count: window.count))
        result.specialTokensMask.append(contentsOf: repeatElement(0, count: window.count))
        for i in window {
            let offset = tokens.offsets[i]
            result.offsets.append(Int(offset.start)..<max(Int(offset.start), Int(offset.end)))
            result.wordIDs.append(tokens.words[i])
        }
        for (index, text) in tokens.surfaces where window.contains(index) { result.surfaces[index + shift] = text }
        for trimming in trimmings { trimming.apply(&result, window.lowerBound + shift..<result.ids.count) }
    }
}

extension PostProcessor.OffsetTrimming {
    /// Leaves blanks at the ends of byte-level tokens out of their offsets.
    ///
    /// Source: Hugging Face tokenizers 0.23.3, `process_offsets`.
    func apply(_ encoding: inout Encoding, _ range: Range<Int>) {
        for i in range {
            var (leading, trailing) =
                encoding.surfaces.isEmpty
                ? encoding.vocabulary.blanks(of: encoding.ids[i])
                : encoding.surfaces[i].map(TokenTable.blanks) ?? encoding.vocabulary.blanks(of: encoding.ids[i])
            if leading == 0, trailing == 0 { continue }
            var start = encoding.offsets[i].lowerBound
            var end = encoding.offsets[i].upperBound
            if leading > 0 {
                let isFirst = i == range.lowerBound || start == 0
                // The blank in front of the first token may be one that the tokenizer put there.
                if isFirst, addPrefixSpace, leading == 1 { leading = 0 }
                start = min(start + leading, end)
            }
            if trailing > 0, end >= trailing { end = max(end - trailing, start) }
            encoding.offsets[i] = start..<end
        }
    }
}
