extension ModelCard {
    /// What loads the directory in Python, by the hub's names.
    public enum Library: String, Sendable {
        case transformers
        /// Where the directory holds one of PEFT's adapters and not the whole model.
        case peft
        /// Where it holds an adapter of AdapterHub's library, or several.
        case adapters

        var isAdapter: Bool { self != .transformers }

        var name: String {
            switch self {
            case .transformers: "transformers"
            case .peft: "PEFT"
            case .adapters: "AdapterHub's library"
            }
        }
    }

    /// How the model is used in Python.
    var python: String {
        switch library {
        case .transformers:
            """
            from transformers import pipeline

            classifier = pipeline("text-classification", model=".")
            \(isPair ? "classifier({\"text\": \"a text\", \"text_pair\": \"another text\"})" : "classifier(\"a text\")")
            """
        case .peft:
            """
            from peft import AutoPeftModelForSequenceClassification

            model = AutoPeftModelForSequenceClassification.from_pretrained(".", num_labels=\(labels.count))
            """
        case .adapters:
            """
            from adapters import AutoAdapterModel

            model = AutoAdapterModel.from_pretrained(\(Self.quoted(baseModel)))
            model.\(isComposed ? "load_adapter_setup" : "load_adapter")(".", set_active=True, use_safetensors=True)
            """
        }
    }
}
