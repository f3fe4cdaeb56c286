"""What the page asks to cite, by the keys that models and methods are registered with."""

REFERENCES = {
    "adebayo2018": (
        "Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim. Sanity checks for saliency maps. "
        "Advances in Neural Information Processing Systems, arXiv:1810.03292, 2018."
    ),
    "alipanahi2015": (
        "Alipanahi, Delong, Weirauch and Frey. Predicting the sequence specificities of DNA- and "
        "RNA-binding proteins by deep learning. Nature Biotechnology 33, 831-838, 2015."
    ),
    "ancona2018": (
        "Ancona, Ceolini, Oztireli and Gross. Towards better understanding of gradient-based "
        "attribution methods for deep neural networks. ICLR, arXiv:1711.06104, 2018."
    ),
    "angermueller2017": (
        "Angermueller, Lee, Reik and Stegle. DeepCpG: accurate prediction of single-cell DNA "
        "methylation states using deep learning. Genome Biology 18, 67, 2017."
    ),
    "avsec2021": (
        "Avsec, Weilert, Shrikumar, Krueger, Alexandari, Dalal, Fropf, McAnany, Gagneur, Kundaje "
        "and Zeitlinger. Base-resolution models of transcription-factor binding reveal soft motif "
        "syntax. Nature Genetics 53, 354-366, 2021."
    ),
    "avsec2021enformer": (
        "Avsec, Agarwal, Visentin, Ledsam, Grabska-Barwinska, Taylor, Assael, Jumper, Kohli and "
        "Kelley. Effective gene expression prediction from sequence by integrating long-range "
        "interactions. Nature Methods 18, 1196-1203, 2021."
    ),
    "ba2014": (
        "Ba and Caruana. Do deep nets really need to be deep? Advances in Neural Information "
        "Processing Systems, arXiv:1312.6184, 2014."
    ),
    "baltrusaitis2019": (
        "Baltrusaitis, Ahuja and Morency. Multimodal machine learning: a survey and taxonomy. IEEE "
        "Transactions on Pattern Analysis and Machine Intelligence 41, 423-443, 2019."
    ),
    "dealmeida2022": (
        "de Almeida, Reiter, Pagani and Stark. DeepSTARR predicts enhancer activity from DNA "
        "sequence and enables the de novo design of synthetic enhancers. Nature Genetics 54, "
        "613-624, 2022."
    ),
    "elmarakeby2021": (
        "Elmarakeby, Hwang, Arafeh, Crowdis, Gang, Liu, AlDubayan, Salari, Kregel, Richter, "
        "Arnoff, Park, Hahn and Van Allen. Biologically informed deep neural network for prostate "
        "cancer discovery. Nature 598, 348-352, 2021."
    ),
    "erion2021": (
        "Erion, Janizek, Sturmfels, Lundberg and Lee. Improving performance of deep learning "
        "models with axiomatic attribution priors and expected gradients. Nature Machine "
        "Intelligence 3, 620-631, 2021."
    ),
    "gal2016": (
        "Gal and Ghahramani. Dropout as a Bayesian approximation: representing model uncertainty "
        "in deep learning. International Conference on Machine Learning, arXiv:1506.02142, 2016."
    ),
    "ganin2016": (
        "Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand and Lempitsky. "
        "Domain-adversarial training of neural networks. Journal of Machine Learning Research 17 "
        "(59), 1-35, 2016."
    ),
    "ghandi2014": (
        "Ghandi, Lee, Mohammad-Noori and Beer. Enhanced regulatory sequence prediction using "
        "gapped k-mer features. PLoS Computational Biology 10, e1003711, 2014."
    ),
    "grabisch1999": (
        "Grabisch and Roubens. An axiomatic approach to the concept of interaction among players "
        "in cooperative games. International Journal of Game Theory 28, 547-565, 1999."
    ),
    "greenside2018": (
        "Greenside, Shimko, Fordyce and Kundaje. Discovering epistatic feature interactions from "
        "neural network models of regulatory DNA sequences. Bioinformatics 34, i629-i637, 2018."
    ),
    "guo2017": (
        "Guo, Pleiss, Sun and Weinberger. On calibration of modern neural networks. International "
        "Conference on Machine Learning, arXiv:1706.04599, 2017."
    ),
    "hinton2015": (
        "Hinton, Vinyals and Dean. Distilling the knowledge in a neural network. arXiv:1503.02531, "
        "2015."
    ),
    "howard2018": (
        "Howard and Ruder. Universal language model fine-tuning for text classification. Annual "
        "Meeting of the Association for Computational Linguistics, arXiv:1801.06146, 2018."
    ),
    "janes2008": (
        "Janes and Pepe. Adjusting for covariates in studies of diagnostic, screening, or "
        "prognostic markers. Biometrics 64, 1-9, 2008."
    ),
    "ji2021": (
        "Ji, Zhou, Liu and Davuluri. DNABERT: pre-trained bidirectional encoder representations "
        "from transformers model for DNA-language in genome. Bioinformatics 37, 2112-2120, 2021."
    ),
    "kelley2016": (
        "Kelley, Snoek and Rinn. Basset: learning the regulatory code of the accessible genome "
        "with deep convolutional neural networks. Genome Research 26, 990-999, 2016."
    ),
    "koo2021": (
        "Koo and Ploenzke. Improving representations of genomic sequence motifs in convolutional "
        "networks with exponential activations. Nature Machine Intelligence 3, 258-266, 2021."
    ),
    "lanchantin2017": (
        "Lanchantin, Singh, Wang and Qi. Deep Motif Dashboard: visualizing and understanding "
        "genomic sequences using deep neural networks. Pacific Symposium on Biocomputing 22, "
        "254-265, 2017."
    ),
    "lee2023": (
        "Lee, Tang, Toneyan and Koo. EvoAug: improving generalization and interpretability of "
        "genomic deep neural networks with evolution-inspired data augmentations. Genome Biology "
        "24, 105, 2023."
    ),
    "lei2018": (
        "Lei, G'Sell, Rinaldo, Tibshirani and Wasserman. Distribution-free predictive inference "
        "for regression. Journal of the American Statistical Association 113, 1094-1111, 2018."
    ),
    "lin2017": (
        "Lin, Goyal, Girshick, He and Dollar. Focal loss for dense object detection. IEEE "
        "International Conference on Computer Vision, arXiv:1708.02002, 2017."
    ),
    "maslova2020": (
        "Maslova, Ramirez, Ma, Schmutz, Wang, Fox, Ng, Benoist and Mostafavi. Deep learning of "
        "immune cell differentiation. Proceedings of the National Academy of Sciences 117, "
        "25655-25666, 2020."
    ),
    "ma2018": (
        "Ma, Yu, Fong, Ono, Sage, Demchak, Sharan and Ideker. Using deep learning to model the "
        "hierarchical structure and function of a cell. Nature Methods 15, 290-298, 2018."
    ),
    "murphy1973": (
        "Murphy. A new vector partition of the probability score. Journal of Applied Meteorology "
        "12, 595-600, 1973."
    ),
    "novakovsky2023": (
        "Novakovsky, Fornes, Saraswat, Mostafavi and Wasserman. ExplaiNN: interpretable and "
        "transparent neural networks for genomics. Genome Biology 24, 154, 2023."
    ),
    "pampari2025": (
        "Pampari, Shcherbina, Kvon, Kosicki, Nair, Kundu, Kathiria, Risca, Kuningas, Alasoo, "
        "Greenleaf, Pennacchio and Kundaje. ChromBPNet: bias factorized, base-resolution deep "
        "learning models of chromatin accessibility. bioRxiv 2024.12.25.630221, 2025."
    ),
    "penzar2023": (
        "Penzar, Nogina, Noskova, Zinkevich, Meshcheryakov, Lando, Rafi, de Boer and Kulakovskiy. "
        "LegNet: a best-in-class deep learning model for short DNA regulatory regions. "
        "Bioinformatics 39, btad457, 2023."
    ),
    "petsiuk2018": (
        "Petsiuk, Das and Saenko. RISE: randomized input sampling for explanation of black-box "
        "models. British Machine Vision Conference, arXiv:1806.07421, 2018."
    ),
    "quang2016": (
        "Quang and Xie. DanQ: a hybrid convolutional and recurrent deep neural network for "
        "quantifying the function of DNA sequences. Nucleic Acids Research 44, e107, 2016."
    ),
    "sadinle2019": (
        "Sadinle, Lei and Wasserman. Least ambiguous set-valued classifiers with bounded error "
        "levels. Journal of the American Statistical Association 114, 223-234, 2019."
    ),
    "samek2017": (
        "Samek, Binder, Montavon, Lapuschkin and Mueller. Evaluating the visualization of what a "
        "deep neural network has learned. IEEE Transactions on Neural Networks and Learning "
        "Systems 28, 2660-2673, 2017."
    ),
    "shrikumar2016": (
        "Shrikumar, Greenside, Shcherbina and Kundaje. Not just a black box: learning important "
        "features through propagating activation differences. arXiv:1605.01713, 2016."
    ),
    "shrikumar2017": (
        "Shrikumar, Greenside and Kundaje. Learning important features through propagating "
        "activation differences. International Conference on Machine Learning, 2017."
    ),
    "simonyan2014": (
        "Simonyan, Vedaldi and Zisserman. Deep inside convolutional networks: visualising image "
        "classification models and saliency maps. ICLR workshop, arXiv:1312.6034, 2014."
    ),
    "smilkov2017": (
        "Smilkov, Thorat, Kim, Viegas and Wattenberg. SmoothGrad: removing noise by adding noise. "
        "arXiv:1706.03825, 2017."
    ),
    "sundararajan2017": (
        "Sundararajan, Taly and Yan. Axiomatic attribution for deep networks. International "
        "Conference on Machine Learning, arXiv:1703.01365, 2017."
    ),
    "ullah2021": (
        "Ullah and Ben-Hur. A self-attention model for inferring cooperativity between regulatory "
        "features. Nucleic Acids Research 49, e77, 2021."
    ),
    "wei2023": (
        "Wei, Hua, Wei, Ma, Jiang, Zhang, Li, Wong and Wang. NeuronMotif: deciphering "
        "cis-regulatory codes by layer-wise demixing of deep neural networks. Proceedings of the "
        "National Academy of Sciences 120, e2216698120, 2023."
    ),
    "zadrozny2002": (
        "Zadrozny and Elkan. Transforming classifier scores into accurate multiclass probability "
        "estimates. ACM SIGKDD International Conference on Knowledge Discovery and Data Mining, "
        "694-699, 2002."
    ),
    "zeiler2014": (
        "Zeiler and Fergus. Visualizing and understanding convolutional networks. European "
        "Conference on Computer Vision, arXiv:1311.2901, 2014."
    ),
    "zhou2015": (
        "Zhou and Troyanskaya. Predicting effects of noncoding variants with deep learning-based "
        "sequence model. Nature Methods 12, 931-934, 2015."
    ),
}


def reference(key: object) -> str:
    """The reference of a key; a key that is not in the list is given as it is.

    Examples
    --------
    >>> reference("zhou2015")[-5:], reference("")
    ('2015.', '')
    """
    return REFERENCES.get(str(key), str(key))
