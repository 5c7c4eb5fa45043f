namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>How a sign-in speaks to the person in front of the machine. The module implements it with the host's own means.</summary>
public interface ISignInPrompt
{
    /// <summary>Shows the code that the person enters on a web page, on this or any other device.</summary>
    /// <param name="userCode">The code, as it is to be typed.</param>
    /// <param name="verificationUri">Where to enter it.</param>
    /// <param name="verificationUriComplete">The same page with the code filled in; null where the service offers none.</param>
    /// <param name="expiresAt">Until when the code can be entered.</param>
    void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt);

    /// <summary>
    /// Opens the person's browser. False (or an exception) when that can't be done here; then <see cref="ShowAddress"/>
    /// follows and the sign-in goes on waiting.
    /// </summary>
    Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct);

    /// <summary>Shows an address that the person has to open in a browser of this machine.</summary>
    void ShowAddress(Uri address);
}
