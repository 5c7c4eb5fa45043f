@{
    RootModule           = 'bin/CcExport.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '5b0f3f0e-8c53-4a3e-9a55-0d1c2a4f7b61'
    Author               = 'CcExport contributors'
    CompanyName          = 'CcExport contributors'
    Copyright            = '(c) CcExport contributors. MIT licence.'
    Description          = 'Exports segments of unified customer profiles to Constant Contact lists, exactly: every profile is counted, every rejection has a reason.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('CcExport.Format.ps1xml')
    TypesToProcess       = @('CcExport.Types.ps1xml')
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    CmdletsToExport      = @(
        'Add-CcExportUser'
        'Add-CcSuppression'
        'Copy-CcExport'
        'Disable-CcExport'
        'Enable-CcExport'
        'Export-CcConfiguration'
        'Get-CcBudget'
        'Get-CcConnection'
        'Get-CcCustomField'
        'Get-CcErasure'
        'Get-CcExport'
        'Get-CcExportUser'
        'Get-CcKeyRing'
        'Get-CcList'
        'Get-CcPlan'
        'Get-CcProfile'
        'Get-CcRejection'
        'Get-CcRun'
        'Get-CcSegment'
        'Get-CcSource'
        'Get-CcSuppression'
        'Import-CcConfiguration'
        'Invoke-CcExport'
        'Move-CcStore'
        'New-CcConnection'
        'New-CcList'
        'New-CcSource'
        'Protect-CcKeyRing'
        'Register-CcSchedule'
        'Remove-CcConnection'
        'Remove-CcContactData'
        'Remove-CcExport'
        'Remove-CcExportUser'
        'Remove-CcSource'
        'Remove-CcSuppression'
        'Resume-CcRun'
        'Set-CcConnection'
        'Set-CcExport'
        'Start-CcSimulator'
        'Stop-CcRun'
        'Stop-CcSimulator'
        'Test-CcConnection'
        'Test-CcExport'
        'Test-CcSource'
        'Trace-CcContact'
        'Undo-CcRun'
        'Unregister-CcSchedule'
        'Wait-CcRun'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('ConstantContact', 'CustomerInsights', 'Dynamics365', 'Marketing', 'Export', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'See CHANGELOG.md.'
        }
    }
}
