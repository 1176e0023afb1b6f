/// The tokens that an adapter puts in front of every text: those of a prompt among the hidden states, those of a prefix among
/// the keys and values alone.
struct VirtualTokens: Sendable {
    /// Of a prompt, in number; their ids follow the vocabulary's.
    let prompt: Int
    let vocabSize: Int
    /// The place of the first of the other tokens, or of the prompt.
    let firstPlace: Int
    /// The longest sequence, in tokens, beside which they have places.
    let maxTokens: Int

    init(_ architecture: EncoderArchitecture, _ prompt: Prompt?, _ prefix: Prefix?) {
        self.prompt = prompt?.virtualTokens ?? 0
        vocabSize = architecture.vocabSize
        firstPlace = prefix.map { $0.shiftsPlaces ? $0.virtualTokens : 0 } ?? 0
        maxTokens = architecture.maxTokens - self.prompt - firstPlace
    }

    func added(to batch: TokenBatch) -> TokenBatch {
        var batch = prompt > 0 ? batch.prepending(prompt, firstID: vocabSize) : batch
        batch.firstPlace = firstPlace
        return batch
    }
}
