import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Augmentation")
struct AugmentationTests {
    private let texts = TokenizedTexts(
        (0..<200).map { row in
            let ids = [2] + (0..<20).map { Int32(10 + row + $0) } + [3]
            return TokenizedText(ids: ids, typeIDs: row % 2 == 0 ? nil : ids.map { $0 & 1 })
        })

    private func augmented(_ text: String, swapped: TokenizedTexts? = nil, seed: UInt64 = 1) throws
        -> TokenizedTexts
    {
        texts.augmented(by: try Augmentation(text), swapped: swapped, special: [2, 3], seed: seed)
    }

    @Test(
        "special tokens stay, about the share is deleted, types go with their tokens, and one word is always left"
    )
    func delete() throws {
        let changed = try augmented("delete=0.3").inEpoch(1)
        let kept = changed.reduce(0) { $0 + $1.count - 2 }
        #expect((2600...3000).contains(kept), "\(kept) of 4000")
        for (text, original) in zip(changed, texts) {
            #expect(text.ids.first == 2 && text.ids.last == 3 && text.count >= 3)
            #expect(text.typeIDs == original.typeIDs.map { _ in text.ids.map { $0 & 1 } })
        }
        #expect(try augmented("delete=0.9").inEpoch(1).allSatisfy { $0.count >= 3 })
    }

    @Test("a stretch is cut off, of the length that is asked for")
    func cutoff() throws {
        for (text, original) in zip(try augmented("cutoff=0.25").inEpoch(2), texts) {
            #expect(text.count == original.count - 5)
            let start = zip(text.ids, original.ids).prefix { $0 == $1 }.count
            #expect(Array(original.ids[..<start] + original.ids[(start + 5)...]) == text.ids)
        }
    }

    @Test(
        "each epoch sees other texts, the same seed the same ones; outside an epoch they are as they were"
    )
    func determinism() throws {
        let changed = try augmented("delete=0.3")
        #expect(Array(changed) == Array(texts))
        #expect(Array(changed.inEpoch(1)) == Array(changed.inEpoch(1)))
        #expect(Array(changed.inEpoch(1)) != Array(changed.inEpoch(2)))
        #expect(try Array(augmented("delete=0.3", seed: 2).inEpoch(1)) != Array(changed.inEpoch(1)))
        #expect(Array(texts.inEpoch(1)) == Array(texts))
        let some = changed.selecting([7, 3])
        #expect(Array(some.inEpoch(1)) == [changed.inEpoch(1)[7], changed.inEpoch(1)[3]])
    }

    @Test("half of the other words are taken")
    func swapped() throws {
        let others = TokenizedTexts(
            texts.map { TokenizedText(ids: $0.ids.map { $0 + 1000 }, typeIDs: $0.typeIDs) })
        let changed = try augmented("swap=0.1", swapped: others).inEpoch(1)
        let taken = changed.flatMap(\.ids).count { $0 >= 1000 }
        #expect((2000...2400).contains(taken), "\(taken) of 4400")
        #expect(changed.indices.allSatisfy { changed[$0].count == texts[$0].count })
    }

    @Test("what is no augmentation is refused")
    func failures() {
        #expect(throws: Augmentation.Fault.unknownKind("shuffle=0.1")) {
            try Augmentation("shuffle=0.1")
        }
        #expect(throws: Augmentation.Fault.unknownKind("swap")) { try Augmentation("swap") }
        #expect(throws: Augmentation.Fault.repeatedKind("swap")) { try Augmentation("swap=0.1,delete=0.1,swap=0.2") }
        #expect(throws: Augmentation.Fault.invalidShare(kind: "delete", "2")) {
            try Augmentation("delete=2")
        }
    }

    @Test("a masked-language head proposes words in the place of words, and nothing else changes")
    func wordSwaps() throws {
        let scratch = try TemporaryDirectory()
        let model = try MaskedLanguageModel(
            ModelDirectory(Golden.directory("pipelines").appending("fill-bert")))
        let texts = TokenizedTexts(
            (0..<40).map {
                TokenizedText("the film was good and the plot \($0) dull!", model.tokenizer, maxLength: 32)
            })
        let swaps = WordSwaps(model, share: 0.2)
        let changed = try swaps.swapped(texts, seed: 1, keepingTokensIn: scratch.path).texts
        #expect(changed.lengths == texts.lengths && Array(changed) != Array(texts))
        let special = model.tokenizer.placeholders
        var differing = 0
        for (new, old) in zip(changed, texts) {
            for (id, before) in zip(new.ids, old.ids) where id != before {
                differing += 1
                let tokens = [model.tokenizer.token(of: id), model.tokenizer.token(of: before)].compactMap {
                    $0
                }
                #expect(!special.contains(id) && !special.contains(before))
                #expect(
                    tokens.allSatisfy { token in token.contains { $0.isLetter } && !token.hasPrefix("##") })
            }
        }
        #expect(differing > 20, "\(differing)")
        #expect(
            try Array(swaps.swapped(texts, seed: 1, keepingTokensIn: scratch.path).texts) == Array(changed))
    }

    @Test("word vectors propose the nearest words that the vocabulary has as one token, and never the word itself")
    func wordSwapsOfVectors() throws {
        let scratch = try TemporaryDirectory()
        let model = try TinyModel.make(in: scratch, named: "m")
        let tokenizer = try Tokenizer(directory: model)
        // Nearest to good is one of two tokens, then fine; dull is near to nothing, and was has no vector.
        let file = try scratch.write(
            "good 1 0.1\ngooda 1 0.1\nfine 0.9 0.2\nbad -1 0.1\ndull 0 -1\nfilm 0.1 1\nplot 0.2 1\n", to: "v.txt")
        let texts = TokenizedTexts(
            (0..<60).map { _ in TokenizedText("the film was good", tokenizer, maxLength: 32) })
        let swaps = WordSwaps(try WordVectors(file), tokenizer, share: 0.5)
        let swapped = try swaps.swapped(texts, seed: 3, keepingTokensIn: scratch.path)
        // Of the four words, two have neighbours.
        #expect(swapped.asked == 240 && swapped.found == 120)
        let changed = swapped.texts
        var proposed: [String: [String: Int]] = [:]
        for (new, old) in zip(changed, texts) {
            #expect(new.count == old.count)
            for (id, before) in zip(new.ids, old.ids) {
                proposed[tokenizer.token(of: before) ?? "", default: [:]][tokenizer.token(of: id) ?? "", default: 0] +=
                    1
            }
        }
        // Every word with neighbours is swapped, and most often for the nearest.
        let film = try #require(proposed["film"])
        let good = try #require(proposed["good"])
        #expect(film["film"] == nil && film.max { $0.value < $1.value }?.key == "plot", "\(film)")
        #expect(good["good"] == nil && good["bad"] == nil, "\(good)")
        #expect(good.max { $0.value < $1.value }?.key == "fine", "\(good)")
        for same in ["[CLS]", "[SEP]", "the", "was"] { #expect(proposed[same] == [same: 60]) }
        let again = try WordSwaps(WordVectors(file), tokenizer, share: 0.5)
            .swapped(texts, seed: 3, keepingTokensIn: scratch.path)
        #expect(Array(again.texts) == Array(changed))
        let others = try WordVectors(scratch.write("gut 1 0.1\nfein 0.9 0.2\n", to: "o.txt"))
        let none = try WordSwaps(others, tokenizer, share: 0.5).swapped(texts, seed: 3, keepingTokensIn: scratch.path)
        #expect(none.asked == 240 && none.found == 0 && Array(none.texts) == Array(texts))
    }
}
