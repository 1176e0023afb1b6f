import ArgumentParser
import SystemPackage
import Tasks

/// Changes to the training texts.
struct AugmentationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Change training texts a little in each epoch: swap=0.1 puts other words, which the model's own \
            masked-language head proposes, in the place of a tenth; delete=0.1 leaves out a tenth of the tokens, \
            cutoff=0.1 a stretch of that length. Several with commas between them.
            """, valueName: "kind=share,..."))
    var augment: String?

    func validate() throws {
        do { _ = try augmentation } catch { throw ValidationError("--augment: \(error).") }
    }

    var augmentation: Augmentation? {
        get throws(Augmentation.Fault) {
            try augment.map { (text) throws(Augmentation.Fault) in try Augmentation(text) }
        }
    }

    /// What proposes other words, where they are asked for. Before any work: a model may have no such head.
    func wordSwaps(_ model: ModelArgument) throws -> WordSwaps? {
        guard let share = try augmentation?.swap, share > 0 else { return nil }
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
        examples.augment(augmentation, swapped: swapped, tokenizer: classifier.tokenizer, seed: seed)
    }
}

struct NoWordSwaps: Error, CustomStringConvertible {
    let reason: String
    var description: String {
        "--augment swap needs a masked-language head: \(reason) Use delete or cutoff."
    }
}
