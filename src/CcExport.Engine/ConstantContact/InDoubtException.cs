namespace CcExport.Engine.ConstantContact;

/// <summary>
/// An import left and no clear answer came back: the service may have it or not. Not a <see cref="CcException"/>, because no
/// person can act on it: the uploader has to look for the job before the batch is ever sent again.
/// </summary>
internal sealed class InDoubtException(string message, Exception? inner = null) : Exception(message, inner);
