// The queues and the store of one pool, with exactly the rights that its site and its workers need.
//
//   az deployment group create -g GROUP -n lab -f pool.bicep -p pool=lab operatorId=$(az ad signed-in-user show --query id -o tsv)
//   az deployment group show   -g GROUP -n lab --query properties.outputs > lab.outputs.json
//   codalab-nb pool create lab --from lab.outputs.json
//
// No secret is among the outputs: they would stay in the deployment's history. `pool create` reads the keys of the
// queues' rules as who is signed in (role Azure Service Bus Data Owner, given below), or with a connection string.

@description('Name of the pool: lower-case letters, digits and hyphens, a letter first.')
@minLength(2)
@maxLength(25)
param pool string

@description('Where everything lies. Data of people may have to stay in a certain region.')
param location string = resourceGroup().location

@description('Name of the Service Bus namespace: made, or added to when it is there.')
param namespaceName string = 'sb-${pool}-${uniqueString(resourceGroup().id)}'

@description('Standard is enough for one lab; Premium serves many workers, and is billed by the hour.')
@allowed(['Standard', 'Premium'])
param namespaceSku string = 'Standard'

@description('Name of the storage account: 3 to 24 lower-case letters and digits; made, or added to when it is there.')
@minLength(3)
@maxLength(24)
param accountName string = take('st${replace(pool, '-', '')}${uniqueString(resourceGroup().id)}', 24)

@description('Replication of the storage account. Results cannot be made again for nothing: zones cost a little more.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS'])
param accountSku string = 'Standard_LRS'

@description('Object id of who makes the pool and runs its site (a person, a group or a managed identity).')
param operatorId string

@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorType string = 'User'

@description('How the names of the containers begin; one pool, one prefix.')
@minLength(2)
@maxLength(25)
param containerPrefix string = pool

var queueNames = {
  urgent: '${pool}-urgent'
  background: '${pool}-background'
  responses: '${pool}-responses'
}

// As codalab_nb.queues.servicebus.QUEUE_SETTINGS: a test compares them.
var queueProperties = {
  lockDuration: 'PT1M'
  maxDeliveryCount: 10
  requiresDuplicateDetection: true
  duplicateDetectionHistoryTimeWindow: 'PT10M'
  deadLetteringOnMessageExpiration: false
  requiresSession: false
}

resource bus 'Microsoft.ServiceBus/namespaces@2022-10-01-preview' = {
  name: namespaceName
  location: location
  sku: {
    name: namespaceSku
    tier: namespaceSku
  }
  properties: {
    minimumTlsVersion: '1.2'
    // Invites are shared access signatures: a worker behind a router in another house has no identity in your tenant.
    disableLocalAuth: false
  }
}

resource urgent 'Microsoft.ServiceBus/namespaces/queues@2022-10-01-preview' = {
  parent: bus
  name: queueNames.urgent
  properties: queueProperties
}

resource background 'Microsoft.ServiceBus/namespaces/queues@2022-10-01-preview' = {
  parent: bus
  name: queueNames.background
  properties: queueProperties
}

resource responses 'Microsoft.ServiceBus/namespaces/queues@2022-10-01-preview' = {
  parent: bus
  name: queueNames.responses
  properties: queueProperties
}

resource urgentSite 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: urgent
  name: 'site'
  properties: { rights: ['Send', 'Listen'] }
}

resource urgentWorker 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: urgent
  name: 'worker'
  properties: { rights: ['Listen'] }
  dependsOn: [urgentSite] // two changes of one queue at once are refused
}

resource backgroundSite 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: background
  name: 'site'
  properties: { rights: ['Send', 'Listen'] }
}

resource backgroundWorker 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: background
  name: 'worker'
  properties: { rights: ['Listen'] }
  dependsOn: [backgroundSite]
}

resource responsesSite 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: responses
  name: 'site'
  properties: { rights: ['Listen'] }
}

resource responsesWorker 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2022-10-01-preview' = {
  parent: responses
  name: 'worker'
  properties: { rights: ['Send'] }
  dependsOn: [responsesSite]
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: accountName
  location: location
  kind: 'StorageV2'
  sku: { name: accountSku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    // Grants are then signed for the site's identity: they end after seven days at the latest, and with that identity.
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

// What the operator may do: manage the queues of this namespace, read and write blobs, sign grants.
var roles = {
  serviceBusDataOwner: '090c5cfd-751d-490a-894a-3ce6f1109419'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageBlobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
}

resource managesQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: bus
  name: guid(bus.id, operatorId, roles.serviceBusDataOwner)
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusDataOwner)
  }
}

resource writesBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, operatorId, roles.storageBlobDataContributor)
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
  }
}

resource signsGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, operatorId, roles.storageBlobDelegator)
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDelegator)
  }
}

output serviceBusNamespace string = '${bus.name}.servicebus.windows.net'
output urgentQueue string = queueNames.urgent
output backgroundQueue string = queueNames.background
output responseQueue string = queueNames.responses
output accountUrl string = 'https://${account.name}.blob.${environment().suffixes.storage}'
output containerPrefix string = containerPrefix
