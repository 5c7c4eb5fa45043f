namespace CcExport.Engine.Tests.Identity;

/// <summary>A ring and a secret of the first version (Data Protection 8.0.34, AES-256-GCM). It guards nothing but this test.</summary>
internal static class OldRing
{
    public const string KeyId = "98c01b7f-0f93-4d7b-ad28-f8c0ac829b7a";

    public const string Protected = "CfDJ8H8bwJiTD3tNrSj4wKyCm3pfxO68f7Z1xtdkJazfslHInHqxoa/NDIJZMJvrL7uQEUaM5lT41u4pFz1cTpjDYRcgbjxb1VuSWaCZww==";

    public const string Key =
        """
        <?xml version="1.0" encoding="utf-8"?>
        <key id="98c01b7f-0f93-4d7b-ad28-f8c0ac829b7a" version="1">
          <creationDate>2000-01-01T00:00:00Z</creationDate>
          <activationDate>2000-01-01T00:00:00Z</activationDate>
          <expirationDate>2200-01-01T00:00:00Z</expirationDate>
          <descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection, Version=10.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60">
            <descriptor>
              <encryption algorithm="AES_256_GCM" />
              <!-- AES-GCM includes a 128-bit authentication tag, no extra validation algorithm required. -->
              <masterKey p4:requiresEncryption="true" xmlns:p4="http://schemas.asp.net/2015/03/dataProtection">
                <!-- Warning: the key below is in an unencrypted form. -->
                <value>clihF1BmbRwUSOCj/9oc6unx2WaQiqYocMhfQszsYsFwuZ6w07HC8KbJMDGafqGOZ3rtDTRfHnC3kHwqnzMV4g==</value>
              </masterKey>
            </descriptor>
          </descriptor>
        </key>
        """;
}
