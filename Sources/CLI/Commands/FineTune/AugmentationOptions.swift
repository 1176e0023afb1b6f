import ArgumentParser
import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tokenizers

/// Changes to the training texts.
struct AugmentationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Change training texts a little in each epoch: swap=0.1 puts other words, which the model's own \
            masked-language head proposes (or --swap-vectors), in the place of a tenth; delete=0.1 leaves out a tenth of \
            the tokens, cutoff=0.1 a stretch of that length. Several with commas between them.
            """, valueName: "kind=share,..."))
    var augment: String?

    @Option(
        help: ArgumentHelp(
            """
            With --augment swap: take words that are near by the word vectors of this file, of any format that graft \
            vectors near reads, in place of those of a masked-language head.
            """, valueName: "file"))
    var swapVectors: String?

    func validate() throws {
        do { _ = try augmentation } catch { throw ValidationError("--augment: \(error).") }
        if swapVectors != nil, try augmentation.map({ $0.swap > 0 }) != true {
            throw ValidationError("--swap-vectors is for --augment swap=SHARE.")
        }
    }

    var augmentation: Augmentation? {
        get throws(Augmentation.Fault) {
            try augment.map { (text) throws(Augmentation.Fault) in try Augmentation(text) }
        }
    }

    /// What proposes other words, where they are asked for. Before any work: a model may have no such head.
    ///
    /// - Parameter tokenizer: of the texts.
    func wordSwaps(_ model: ModelArgument, _ tokenizer: Tokenizer) throws -> WordSwaps? {
        guard let share = try augmentation?.swap, share > 0 else { return nil }
        if let swapVectors {
            let vectors = try WordVectors(FilePath(swapVectors))
            try vectors.checkFinite()
            StandardError.note("\(swapVectors): \(vectors.summary)")
            return WordSwaps(vectors, tokenizer, share: share)
        }
        do { return WordSwaps(try MaskedLanguageModel(model.resolve()), share: share) } catch {
            throw NoWordSwaps(reason: "\(error)")
        }
    }

    /// Augments the training texts.
    func apply(
        _ swaps: WordSwaps?, to examples: inout FineTuningData.Tokenized,
        _ classifier: SequenceClassifier,
        seed: UInt64, keepingTokensIn directory: FilePath
    ) throws {
        guard let augmentation = try augmentation else { return }
        let swapped = try swaps?.swapped(examples.train.texts, seed: seed, keepingTokensIn: directory)
        if let swapped, swapped.found == 0 { throw NothingToSwap(vectors: swapVectors, asked: swapped.asked) }
        if let swapped, let swapVectors {
            StandardError.note("\(swapped.found) of \(swapped.asked) words to swap have near words in \(swapVectors)")
        }
        examples.augment(augmentation, swapped: swapped?.texts, tokenizer: classifier.tokenizer, seed: seed)
    }
}

struct NoWordSwaps: Error, CustomStringConvertible {
    let reason: String
    var description: String {
        "--augment swap needs a masked-language head: \(reason) Use --swap-vectors, delete or cutoff."
    }
}

struct NothingToSwap: Error, CustomStringConvertible {
    let vectors: String?
    /// For how many words others were looked for.
    let asked: Int
    var description: String {
        if asked == 0 {
            return
                "--augment swap: no word of the training texts that is one token of the model was drawn; nothing would "
                + "be swapped. Use delete or cutoff, or a larger share."
        }
        guard let vectors else {
            return
                "--augment swap: the masked-language head proposes no other word for any of the "
                + "\(asked.counted("word")) to swap. "
                + "Use --swap-vectors, delete or cutoff."
        }
        return "--swap-vectors \(vectors): no near words for any of the \(asked.counted("word")) to swap. "
            + "Give vectors of the texts' language, or leave swap out."
    }
}
